import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import { DivergenceFile } from '@holdfast/store';
import { DiskError, type DiskFile, type Entry, nodeId } from '@holdfast/types';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { databasePaths } from '../../src/data-directory.ts';
import { Node } from '../../src/node.ts';
import { TestCluster } from './support/test-cluster.ts';

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

const ID = nodeId('n1');

const LOST = {
  database: 'd'.repeat(32),
  index: 7,
  term: 1,
  previousTerm: 1,
  logTime: 0,
  firstRevision: 9,
  body: {
    kind: 'requests',
    requests: [
      {
        kind: 'write',
        session: '1.2',
        sequence: 1,
        floor: 0,
        ack: 'local',
        mutations: [{ kind: 'put', key: Uint8Array.of(107), value: Uint8Array.of(1) }],
        result: { kind: 'written', revision: 9 },
      },
    ],
  },
} as unknown as Entry;

/** Syncs of the list of lost writes fail from the moment on that it is told so. */
class FailingDisk extends NodeDisk {
  fails = false;

  override async open(path: string, options: Parameters<NodeDisk['open']>[1]): Promise<DiskFile> {
    const file = await super.open(path, options);
    const sync = file.sync.bind(file);
    file.sync = async () => {
      if (this.fails && path.endsWith('divergence.log')) throw new DiskError('EIO', path, 'the sync failed');
      await sync();
    };
    return file;
  }
}

/** A node that was started and stopped; then this was listed, one by one. */
async function listed(disk: NodeDisk, entries: readonly Entry[]): Promise<string> {
  cluster = await TestCluster.make(1);
  await cluster.start(ID);
  await cluster.stop(ID);
  const { divergence: path } = databasePaths(cluster.data(ID), 'default');
  const list = await DivergenceFile.open({ disk, path });
  for (const entry of entries) await list.file('default', [entry], false);
  await list.close();
  return path;
}

function startOn(disk: NodeDisk): Promise<Node> {
  const seams = {
    transport: new WebSocketTransport(),
    disk,
    clock: new SystemClock(),
    random: new SystemRandom(),
  };
  return Node.start(cluster.configOf(ID), seams, { logger: pino({ level: 'silent' }) });
}

test('a node ends when the disk fails under what is discarded (P10)', async () => {
  const disk = new FailingDisk();
  await listed(disk, [LOST]);
  const node = await startOn(disk);
  disk.fails = true;
  const url = `http://127.0.0.1:${node.port}/v1/divergence/default.7.1/discard`;
  await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  }).catch(() => undefined);
  expect(await node.stopped).toMatchObject({ code: 'EIO' });
});

test('damage to the list is an event of the start that meets it', async () => {
  const disk = new NodeDisk();
  const path = await listed(disk, [LOST, { ...LOST, index: (LOST.index + 1) as typeof LOST.index }]);
  const file = await disk.open(path, {});
  await file.write(30, Uint8Array.of(0xff, 0, 0xff, 0));
  await file.close();
  const node = await startOn(disk);
  const { damagedBytes } = node.status().divergence;
  expect(damagedBytes).toBeGreaterThan(0);
  expect(node.events.after(0)).toContainEqual(
    expect.objectContaining({ kind: 'divergenceDamaged', bytes: damagedBytes }),
  );
  await node.stop();
});
