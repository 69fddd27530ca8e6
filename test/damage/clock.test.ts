import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';

const HOUR_MS = 3_600_000;
/** Where packages put it; where it is missing, only the node's own clock is set. */
const LIBFAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

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
  const fake = (offset: string): Record<string, string> =>
    existsSync(LIBFAKETIME)
      ? // Monotonic time stays as it is: no machine sets that.
        { LD_PRELOAD: LIBFAKETIME, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
      : {};
  const offsets: Record<string, string> = { n1: '-1h', n2: '+0', n3: '+1h' };
  await Promise.all(cluster.ids.map((id) => cluster.start(id, { env: fake(offsets[id]!) })));
  const primary = await cluster.primary();
  const client = await cluster.client();
  await client.put('before', 'x', { ack: 'all' });
  await cluster.kill(primary);
  await client.put('between', 'x', { ack: 'quorum' });
  // Back with its clock set back by an hour more.
  await cluster.start(primary, { env: fake('-2h') });
  await cluster.level(cluster.ids);
  await client.put('after', 'x', { ack: 'all' });
  const { term } = await cluster.status(await cluster.primary());
  expect(term).toBeLessThan(10);
});
