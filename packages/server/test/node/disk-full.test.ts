import { nodeId } from '@holdfast/types';
import { afterEach, expect, test } from 'vitest';
import { TestClient } from './support/test-client.ts';
import { TestCluster } from './support/test-cluster.ts';
import { waitFor } from './support/wait-for.ts';

const TUNING = { diskCheckMs: 20, reopenBytesMin: 1 };

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

test('a start without room stays up, serves nothing, and goes on when there is room', async () => {
  cluster = await TestCluster.make(1, { tuning: TUNING });
  const id = nodeId('n1');
  const node = await cluster.start(id, {}, true);
  expect(node.status()).toMatchObject({ ready: false, notReadyReason: expect.stringContaining('full') });
  const live = await fetch(`http://127.0.0.1:${node.port}/livez`);
  const ready = await fetch(`http://127.0.0.1:${node.port}/readyz`);
  expect([live.status, ready.status]).toEqual([200, 503]);
  await expect(TestClient.connect(cluster.url(id))).rejects.toThrow(/HOLDFAST_NOT_READY/);
  cluster.fillDisk(id, false);
  await cluster.primary();
  const client = await TestClient.connect(cluster.url(id));
  await client.put('a', '1');
  expect(await client.get('a')).toBe('1');
});

test('the primary’s disk fills: another takes over, reads go on, and it comes back when there is room', async () => {
  cluster = await TestCluster.make(3, { tuning: TUNING });
  await cluster.startAll();
  const first = await cluster.primaryId();
  const client = await TestClient.connect(cluster.url(first));
  await client.put('before', '1');
  cluster.fillDisk(first, true);
  const failed = await (async () => {
    // More than the segments that were made ready in time hold.
    for (let number = 0; number < 60; number += 1) {
      try {
        await client.put(`fill${number}`, 'x'.repeat(100_000));
      } catch (error) {
        return error;
      }
    }
    return undefined;
  })();
  expect(failed).toBeDefined();
  const second = await waitFor('another primary', () =>
    cluster.running.find((node) => node.status().role === 'primary' && node.status().id !== first),
  );
  const full = cluster.node(first);
  await waitFor('it to say so', () => full.status().notReadyReason?.includes('full'));
  expect((await client.read(['before'], { consistency: 'eventual' })).items[0]).toBeDefined();
  const next = await TestClient.connect(cluster.url(second.status().id));
  await next.put('during', '2');
  cluster.fillDisk(first, false);
  await waitFor('it to be ready', () => full.status().ready);
  await next.put('after', '3');
  await cluster.level();
});
