import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import { classicLevel, type LevelLike } from '@holdfast/store';
import { nodeId } from '@holdfast/types';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { Node } from '../../src/node.ts';
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

test('a start makes room: what a snapshot that was cut off left behind goes before anything is opened', async () => {
  cluster = await TestCluster.make(1);
  const id = nodeId('n1');
  await cluster.start(id);
  await cluster.stop(id);
  const leftover = join(cluster.data(id), 'databases/default/store-7');
  await mkdir(leftover);
  const node = await Node.start(
    cluster.configOf(id),
    {
      transport: new WebSocketTransport(),
      disk: new NodeDisk(),
      clock: new SystemClock(),
      random: new SystemRandom(),
      storeLocation: (path): LevelLike => {
        if (!existsSync(leftover)) return classicLevel(path);
        const words = `IO error: ${path}/000009.ldb: No space left on device`;
        const full = Object.assign(new Error(words), { code: 'LEVEL_IO_ERROR' });
        return { open: () => Promise.reject(full) } as unknown as LevelLike;
      },
    },
    { logger: pino({ level: 'silent' }), tuning: TUNING },
  );
  await waitFor('a primary', () => node.status().role === 'primary');
  await node.stop();
  expect(existsSync(leftover)).toBe(false);
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
