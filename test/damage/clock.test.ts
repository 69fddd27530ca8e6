import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';

const HOUR_MS = 3_600_000;

/** The wall clock is off before the node reads it for the first time. Monotonic time stays: no machine sets that. */
async function startOff(cluster: ProcessCluster, id: string, hours: number): Promise<void> {
  const wallOffsetMs = hours * HOUR_MS;
  const startedAt = Date.now();
  await cluster.start(id, { order: { wallOffsetMs } });
  const told = (await cluster.events(id)).find(({ kind }) => kind === 'started');
  // By its own words it does live at another time.
  expect(told!.wallTime - wallOffsetMs).toBeGreaterThanOrEqual(startedAt);
  expect(told!.wallTime - wallOffsetMs).toBeLessThanOrEqual(Date.now());
}

// Fault 14.
test('wall time set back and ahead by an hour changes nothing but words', async () => {
  const cluster = await ProcessCluster.start();
  const client = await cluster.client();
  const primary = await cluster.primary();
  const { term } = await cluster.status(primary);
  let counter = 0;
  for (const hours of [-1, 1, -1, 0]) {
    for (const id of cluster.ids) {
      await cluster.order(id, { wallOffsetMs: hours * HOUR_MS });
      for (let write = 0; write < 20; write++) {
        const { value } = await client.increment('counter');
        counter += 1;
        expect(value).toBe(counter);
      }
      expect(await client.get('counter', { consistency: 'linearizable' })).toBe(`${counter}`);
    }
  }
  expect(await cluster.primary()).toBe(primary);
  expect((await cluster.status(primary)).term).toBe(term);
  await cluster.level(cluster.ids);
});

test('nodes whose wall clocks are hours apart form a cluster and go on over restarts', async () => {
  const cluster = await ProcessCluster.make();
  const hours: Record<string, number> = { n1: -1, n2: 0, n3: 1 };
  await Promise.all(cluster.ids.map((id) => startOff(cluster, id, hours[id]!)));
  const client = await cluster.client();
  await cluster.primary();
  await client.put('before', 'x', { ack: 'all' });
  // Each comes back with its clock at another hour: the primary's set back by one, those of others ahead.
  for (const round of [1, 2, 3]) {
    const primary = await cluster.primary();
    await cluster.kill(primary);
    await client.put(`between-${round}`, 'x', { ack: 'quorum' });
    hours[primary]! -= 1;
    await startOff(cluster, primary, hours[primary]!);
    const standby = cluster.ids.find((id) => id !== primary)!;
    await cluster.level(cluster.ids);
    await cluster.stop(standby);
    await client.put(`beside-${round}`, 'x', { ack: 'quorum' });
    hours[standby]! += 3;
    await startOff(cluster, standby, hours[standby]!);
    await cluster.level(cluster.ids);
    await client.put(`after-${round}`, 'x', { ack: 'all' });
  }
  const keys = await client.keys({ consistency: 'linearizable' }).all();
  expect(keys.filter((key) => /^(before|between|beside|after)/.test(key))).toHaveLength(10);
  // Each of three kills, and at most three stops, takes an election or two.
  const { term } = await cluster.status(await cluster.primary());
  expect(term).toBeLessThan(16);
});
