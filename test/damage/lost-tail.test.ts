import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { WalFiles } from '../support/faults/wal-files.ts';

const WRITES = 40;

/**
 * Damage in a part of the log that lost an election: nobody else ever held it, so that there is nothing to pull.
 * The node takes over the log of the others all the same, and lists what of its own it can still read.
 */
test('damage to a tail that lost an election does not keep the node out', async () => {
  const cluster = await ProcessCluster.start({
    flags: { segmentBytes: 65_536, electionTimeoutMs: 3000, asyncLagMsMax: 10_000 },
  });
  const client = await cluster.client({ ack: 'local', timeoutMs: 20_000 });
  const primary = await cluster.primary();
  await Promise.all(
    Array.from({ length: 100 }, (_, number) =>
      client.put(`kept-${number}`, 'x'.repeat(2000), { ack: 'all' }),
    ),
  );
  await cluster.level(cluster.ids);
  // From here on nothing that it says comes through before it is gone.
  await cluster.order(primary, { lagMs: 2800 });
  for (let number = 0; number < WRITES; number++) await client.put(`tail-${number}`, 'x'.repeat(2000));
  await waitUntil('a mark', () => new WalFiles(cluster.data(primary)).endsInMark);
  await cluster.kill(primary);
  await cluster.primary(primary);
  await client.put('after', 'x', { ack: 'quorum' });

  const files = new WalFiles(cluster.data(primary));
  files.flipBit(files.sealed(1), 0.5);
  files.flipBit(files.unsealed, 0.3);
  await cluster.start(primary);
  const { keys } = await cluster.level(cluster.ids);
  const status = await cluster.status(primary);
  expect(status.exclusion).toBeUndefined();
  // What was lost with the damage is lost; what can be read is listed, and no more than there was.
  const listed = await cluster.until(
    primary,
    'to have judged all',
    ({ divergence }) => divergence.pending === 0,
  );
  console.log(`${listed.divergence.filed} of ${WRITES} entries of the tail listed; ${keys} keys`);
  expect(listed.divergence.filed).toBeGreaterThan(WRITES / 3);
  expect(listed.divergence.filed).toBeLessThan(WRITES);
  expect(keys).toBe(101);
  await client.put('on all', 'x', { ack: 'all' });
});
