import { expect, it } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';

const KEYS = 6000;

it('a clear goes on when the primary is killed, and leaves what was written since', async () => {
  const cluster = await startTestCluster();
  const client = await cluster.client({ timeoutMs: 15_000 });
  const other = await cluster.client({ timeoutMs: 15_000 });
  await client.batch(
    Array.from({ length: KEYS }, (_, number) => ({ type: 'put', key: keyOf(number), value: 'old' })),
  );
  const watch = other.watch();
  let isOver = false;
  const clear = client.clear().then(() => {
    isOver = true;
  });
  const { value: first } = await watch.next();
  expect(first).toMatchObject({ type: 'del', key: keyOf(0) });
  const killed = cluster.kill(client.topology()?.primary ?? 'no primary');
  expect(isOver).toBe(false);
  const since = [keyOf(KEYS - 1), 'new'];
  await other.batch(since.map((key) => ({ type: 'put', key, value: 'since' })));
  await killed;
  // Its own, issued after it.
  await client.put('later', 'since');
  await clear;
  await watch.close();
  const left = await other.iterator().all();
  expect(left).toEqual([...since, 'later'].sort().map((key) => [key, 'since']));
});

function keyOf(number: number): string {
  return `key${String(number).padStart(6, '0')}`;
}
