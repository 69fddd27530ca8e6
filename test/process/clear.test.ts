import { expect, it } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';

const KEYS = 12_000;
const BATCH = 6000;

it('a clear goes on when the primary is killed, and leaves what was written since', async () => {
  const cluster = await startTestCluster();
  const primary = await cluster.primary();
  const client = await cluster.client({ timeoutMs: 15_000 });
  const other = await cluster.client({ timeoutMs: 15_000 });
  for (let first = 0; first < KEYS; first += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, place) => first + place);
    await client.batch(numbers.map((number) => ({ type: 'put', key: keyOf(number), value: 'old' })));
  }
  const watch = other.watch();
  let isOver = false;
  const clear = client.clear().then(() => {
    isOver = true;
  });
  const { value: first } = await watch.next();
  expect(first).toMatchObject({ type: 'del', key: keyOf(0) });
  const since = [keyOf(KEYS - 1), 'new'];
  await other.batch(since.map((key) => ({ type: 'put', key, value: 'since' })));
  await cluster.kill(primary);
  expect(isOver).toBe(false);
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
