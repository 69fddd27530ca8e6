import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { THRESHOLDS } from '../thresholds.ts';

const HOUR_MS = 3_600_000;
const SHORT_MS = 2500;
const LONG_MS = 60_000;

// G19, G21, fault 14.
test('keys and leases live their time over failovers, a restart of all and clocks that jump, and go after it', async () => {
  const cluster = await ProcessCluster.start();
  const client = await cluster.client();
  const put = async (key: string, ttlMs: number): Promise<number> => {
    const before = performance.now();
    await client.put(key, 'value', { ttlMs });
    return before;
  };
  await put('long', LONG_MS);
  await put('renewed', SHORT_MS);
  await put('kept', SHORT_MS);
  await put('again', SHORT_MS);
  const lease = await client.lease({ ttlMs: LONG_MS });
  await lease.put('leased', 'before');
  const shortAt = await put('short', SHORT_MS);
  expect(await client.expire('renewed', LONG_MS)).toBe(true);
  expect(await client.persist('kept')).toBe(true);
  await client.put('again', 'for good');

  for (const id of cluster.ids) await cluster.order(id, { wallOffsetMs: HOUR_MS });
  const primary = await cluster.primary();
  await cluster.kill(primary);
  for (const id of cluster.ids) if (id !== primary) await cluster.order(id, { wallOffsetMs: -HOUR_MS });
  await cluster.start(primary);

  // Until it is gone it is there for everybody; and it is never gone before its time.
  while (await client.has('short', { consistency: 'linearizable' })) expect(client.status).toBe('open');
  const lived = performance.now() - shortAt;
  expect(lived).toBeGreaterThanOrEqual(SHORT_MS);
  expect(lived).toBeLessThan(SHORT_MS + THRESHOLDS.expiryLateMs.asserted);
  console.log(`lived for ${Math.round(lived)} ms of ${SHORT_MS}, over a failover`);

  await lease.put('leased as well', 'between');
  await cluster.level(cluster.ids);
  for (const id of cluster.ids) await cluster.kill(id);
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  expect(await client.has('short', { consistency: 'linearizable' })).toBe(false);
  expect(await client.get('again')).toBe('for good');
  expect(await client.ttl('kept')).toBe(Number.POSITIVE_INFINITY);
  for (const key of ['long', 'renewed']) {
    const left = await client.ttl(key);
    expect(left, key).toBeGreaterThan(0);
    expect(left, key).toBeLessThanOrEqual(LONG_MS);
  }
  expect(await client.get('leased')).toBe('before');
  await lease.put('leased', 'after');
  expect(await lease.revoke()).toBe(true);
  expect(await client.getMany(['leased', 'leased as well'])).toEqual([undefined, undefined]);
  await cluster.level(cluster.ids);
});
