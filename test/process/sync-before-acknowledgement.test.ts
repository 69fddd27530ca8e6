import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LocalCluster } from '../support/cluster/local-cluster.ts';
import { SyncTrace, tracedTo } from '../support/cluster/sync-trace.ts';
import { makeTestCluster } from '../support/cluster/test-cluster.ts';

const WRITES = process.env.HOLDFAST_LONG === '1' ? 500 : 40;
const MAJORITY = 2;

interface Written {
  readonly value: string;
  /** Of the wall clock, as strace shows it; ms since 1970. */
  readonly acknowledgedAt: number;
}

async function tracedCluster(): Promise<LocalCluster> {
  const cluster: LocalCluster = await makeTestCluster({
    launcherOf: (id) => tracedTo(join(cluster.directory, `${id}.strace`)),
  });
  await cluster.startAll();
  return cluster;
}

async function writeEach(cluster: LocalCluster, prefix: string): Promise<Written[]> {
  const client = await cluster.client();
  const written: Written[] = [];
  for (let number = 0; number < WRITES; number++) {
    const value = `${prefix}-${String(number).padStart(6, '0')}-`;
    await client.put(`key-${number % 10}`, value, { ack: 'quorum' });
    written.push({ value, acknowledgedAt: Date.now() + 1 });
  }
  return written;
}

/** Ends the nodes and tells what each did. */
async function tracesOf(cluster: LocalCluster): Promise<Map<string, SyncTrace>> {
  await Promise.all(cluster.running.map((id) => cluster.kill(id)));
  return new Map(cluster.ids.map((id) => [id, new SyncTrace(join(cluster.directory, `${id}.strace`))]));
}

/** For each write, how many had synced it when it was acknowledged. */
function copiesOf(traces: readonly SyncTrace[], written: readonly Written[]): number[] {
  return written.map(({ value, acknowledgedAt }) => {
    const syncedAt = traces.map((trace) => trace.syncedAt(value) ?? Number.POSITIVE_INFINITY);
    return syncedAt.filter((at) => at <= acknowledgedAt).length;
  });
}

// G1, P5, P6. That a write leaves first costs nothing, and is a tenth of the throughput.
test('an acknowledgement at quorum follows a finished sync on a majority, and a write leaves before it is logged', async () => {
  const cluster = await tracedCluster();
  // A standby that is not is sent what it lacks when it asks.
  await cluster.level();
  const written = await writeEach(cluster, 'honest');
  const primary = await cluster.primary();
  const traces = await tracesOf(cluster);
  const copies = copiesOf([...traces.values()], written);
  console.log(
    `${WRITES} writes; synced when acknowledged: ${Math.min(...copies)} to ${Math.max(...copies)} nodes`,
  );
  expect(Math.min(...copies)).toBeGreaterThanOrEqual(MAJORITY);
  const standbys = cluster.ids.length - 1;
  expect(written.filter(({ value }) => !traces.get(primary)!.sentFirst(value, standbys))).toEqual([]);
});

test('nodes that only claim to have synced are found out', async () => {
  const cluster = await tracedCluster();
  await Promise.all(cluster.ids.map((id) => cluster.order(id, { lyingSync: true })));
  const written = await writeEach(cluster, 'lying');
  const copies = copiesOf([...(await tracesOf(cluster)).values()], written);
  expect(Math.max(...copies)).toBeLessThan(MAJORITY);
});
