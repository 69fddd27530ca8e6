import { HoldfastError } from '@holdfast/client';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { SmallDisk } from '../support/faults/small-disk.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const DISK_BYTES = 100 * 1_048_576;
const VALUE = 'v'.repeat(16_384);
/** No election for want of a processor: whoever took over stays primary. */
const FLAGS = { segmentBytes: 1_048_576, electionTimeoutMs: 1500 };

/** The disk of a node, to be filled and freed. */
interface FillableDisk {
  fill(): Promise<void> | void;
  free(): Promise<void> | void;
  end(): void;
}

/** A small file system where one can be mounted; else a limit in the node's own process, of which LevelDB knows nothing. */
async function clusterOnSmallDisk(count: number): Promise<{ cluster: ProcessCluster; disk: FillableDisk }> {
  const small = SmallDisk.mount(DISK_BYTES);
  const cluster = await ProcessCluster.make({
    count,
    flags: FLAGS,
    dataOf: (id) => (id === 'n1' && small !== undefined ? `${small.path}/n1` : undefined),
  });
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  await cluster.primary();
  if (small === undefined) {
    const order = (diskFull: boolean) => () => cluster.order('n1', { diskFull });
    return { cluster, disk: { fill: order(true), free: order(false), end: () => {} } };
  }
  return {
    cluster,
    disk: { fill: () => small.fill(), free: () => small.free(), end: () => small.unmount() },
  };
}

async function makePrimary(cluster: ProcessCluster, id: string): Promise<void> {
  if ((await cluster.primary()) === id) return;
  await cluster.level();
  const primary = await cluster.primary();
  const response = await fetch(`http://127.0.0.1:${cluster.port(primary)}/v1/switchover`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ target: id }),
  });
  expect(response.status, await response.text()).toBe(200);
  await cluster.until(id, 'to be primary', ({ role, admitting }) => role === 'primary' && admitting);
}

test('a primary whose disk is full hands over, still serves reads, and goes on when there is room', async () => {
  const { cluster, disk } = await clusterOnSmallDisk(3);
  try {
    const client = await cluster.client();
    await client.put('before', 'x', { ack: 'all' });
    await makePrimary(cluster, 'n1');
    await disk.fill();
    // Nobody may notice: each write at quorum succeeds, through the hand-over too.
    let written = 0;
    await waitUntil('n1 to say that its disk is full', async () => {
      await client.put(`key-${written % 200}`, `${VALUE}${written}`, { ack: 'quorum' });
      written += 1;
      return (await cluster.status('n1')).notReadyReason === 'the disk is full';
    });
    const other = await cluster.primary('n1');
    expect((await cluster.status('n1')).role).toBe('standby');
    expect((await fetch(`http://127.0.0.1:${cluster.port('n1')}/readyz`)).status).toBe(503);
    for (let more = 0; more < 400; more++, written++)
      await client.put(`key-${written % 200}`, `${VALUE}${written}`, { ack: 'quorum' });
    expect(await cluster.primary()).toBe(other);
    const reader = await cluster.clientOf(['n1']);
    expect(await reader.get('before', { consistency: 'eventual' })).toBe('x');

    await disk.free();
    await cluster.until('n1', 'to go on', ({ ready }) => ready);
    const { keys } = await cluster.level(cluster.ids);
    expect(keys).toBe(201);
    await client.put('after', 'x', { ack: 'all' });
    await makePrimary(cluster, 'n1');
    await client.put('with n1 as primary', 'x', { ack: 'quorum' });
    console.log(`${written} writes of 16 KiB, none failed`);
  } finally {
    await cluster.close();
    disk.end();
  }
});

test('a node alone refuses writes with DISK_FULL, serves reads, loses nothing, and goes on', async () => {
  const { cluster, disk } = await clusterOnSmallDisk(1);
  try {
    const client = await cluster.client();
    const acknowledged = new Map([['before', 'x']]);
    await client.put('before', 'x');
    await disk.fill();
    let refused: HoldfastError | undefined;
    for (let number = 0; refused === undefined || refused.code !== 'HOLDFAST_DISK_FULL'; number++) {
      const [key, value] = [`key-${number}`, `${VALUE}${number}`];
      try {
        await client.put(key, value, { timeoutMs: 1500 });
        acknowledged.set(key, value);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        console.log(`write ${number}: ${error.code} (${error.outcome}): ${error.message}`);
        refused = error;
      }
      expect(number, 'writes before the disk was found to be full').toBeLessThan(1000);
    }
    expect(refused.outcome).toBe('not-applied');
    // What has no room in the store yet is committed all the same; what is there can be read.
    expect(await client.get('before', { consistency: 'eventual' })).toBe('x');
    // A restart on the full disk: up, and nothing lost when there is room.
    await cluster.kill('n1');
    await cluster.start('n1');
    expect((await fetch(`http://127.0.0.1:${cluster.port('n1')}/livez`)).status).toBe(200);
    expect((await cluster.status('n1')).ready).toBe(false);
    await disk.free();
    await cluster.until('n1', 'to go on', ({ ready, admitting }) => ready && admitting);
    for (const [key, value] of acknowledged) expect((await client.get(key)) === value, key).toBe(true);
    await client.put('after', 'x');
    console.log(`${acknowledged.size} acknowledged before the disk was full, all found`);
  } finally {
    await cluster.close();
    disk.end();
  }
});
