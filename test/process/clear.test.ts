import { SystemClock, SystemRandom } from '@holdfast/io';
import { decodeClientMessages } from '@holdfast/wire';
import { expect, it } from 'vitest';
import { CountingTransport } from '../support/cluster/counting-transport.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';

const KEYS = 6000;

it('a clear goes on when the primary is killed, and leaves what was written since', async () => {
  const cluster = await startTestCluster();
  const transport = new CountingTransport();
  const seams = { transport, clock: new SystemClock(), random: new SystemRandom() };
  const client = await cluster.client({ timeoutMs: 15_000, seams });
  const other = await cluster.client({ timeoutMs: 15_000 });
  await client.batch(
    Array.from({ length: KEYS }, (_, number) => ({ type: 'put', key: keyOf(number), value: 'old' })),
  );
  const inTheMidst = Promise.withResolvers<{ readonly killed: Promise<void> }>();
  let pieces = 0;
  transport.onFrame = (bytes) => {
    pieces += piecesIn(bytes);
    // The first was answered, and four are to come.
    if (pieces !== 2) return;
    transport.onFrame = () => {};
    inTheMidst.resolve({ killed: cluster.kill(client.topology()?.primary ?? 'no primary') });
  };
  const clear = client.clear();
  const { killed } = await inTheMidst.promise;
  const since = [keyOf(KEYS - 1), 'new'];
  await other.batch(since.map((key) => ({ type: 'put', key, value: 'since' })));
  await killed;
  // Its own, issued after it.
  await client.put('later', 'since');
  await clear;
  const left = await other.iterator().all();
  expect(left).toEqual([...since, 'later'].sort().map((key) => [key, 'since']));
});

function keyOf(number: number): string {
  return `key${String(number).padStart(6, '0')}`;
}

/** Of a clear that leave with this frame. */
function piecesIn(frame: Uint8Array): number {
  const requests = decodeClientMessages(frame).flatMap((message) =>
    message.kind === 'write' ? message.requests : [],
  );
  return requests.filter(({ clear }) => clear !== undefined).length;
}
