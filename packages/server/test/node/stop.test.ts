import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import { classicLevel, type LevelLike } from '@holdfast/store';
import { type NodeId, nodeId } from '@holdfast/types';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { Node } from '../../src/node.ts';
import { KillableDisk } from './support/killable-disk.ts';
import { TestCluster } from './support/test-cluster.ts';
import { waitFor } from './support/wait-for.ts';

const N1: NodeId = nodeId('n1');

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

test('a stop while the data is opened, once there is room, resolves when it is closed again', async () => {
  cluster = await TestCluster.make(1);
  const order: string[] = [];
  const disk = new KillableDisk(new NodeDisk());
  disk.full = true;
  const opens = Promise.withResolvers<void>();
  const node = await Node.start(
    cluster.configOf(N1),
    {
      transport: new WebSocketTransport(),
      clock: new SystemClock(),
      random: new SystemRandom(),
      disk,
      storeLocation: (path): LevelLike => {
        const level = classicLevel(path);
        const { open, close } = level;
        return Object.assign(level, {
          open: () => {
            opens.resolve();
            return open.call(level);
          },
          close: async () => {
            await close.call(level);
            order.push('the store is closed');
          },
        });
      },
    },
    { logger: pino({ level: 'silent' }), tuning: { diskCheckMs: 1 } },
  );
  disk.full = false;
  await opens.promise;
  const stops = [node.stop(), node.stop(), node.crash()];
  await Promise.all([...stops.map((stop) => stop.then(() => order.push('stopped'))), node.stopped]);
  expect(order).toEqual(['the store is closed', 'stopped', 'stopped', 'stopped']);
  await cluster.start(N1);
  await cluster.primary();
});

test('two stops at once wait for one hand-over', async () => {
  const warnings: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) });
  cluster = await TestCluster.make(2, { logger });
  await cluster.startAll();
  const node = await cluster.primary();
  const other = cluster.running.find((each) => each !== node)!;
  await waitFor('the other to be level', () => other.status().applied === node.status().applied);
  await Promise.all([node.stop(), node.stop()]);
  expect(node.events.after(0).filter(({ kind }) => kind === 'stopping')).toHaveLength(1);
  expect(warnings.filter((line) => line.includes('could not be handed over'))).toEqual([]);
});

test('a stop that is not to hand over does not wait for a hand-over under way', async () => {
  cluster = await TestCluster.make(2);
  await cluster.startAll();
  const node = await cluster.primary();
  const ordered = node.stop();
  await Promise.all([node.stop({ handOver: false }), ordered]);
  expect(await node.stopped).toBeUndefined();
});
