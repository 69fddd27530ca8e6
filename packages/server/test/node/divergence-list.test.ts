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

test('a node ends when the disk fails under what is discarded (P10)', async () => {
  cluster = await TestCluster.make(1);
  const id = nodeId('n1');
  await cluster.start(id);
  await cluster.stop(id);
  const disk = new FailingDisk();
  const list = await DivergenceFile.open({
    disk,
    path: databasePaths(cluster.data(id), 'default').divergence,
  });
  await list.file('default', [LOST], false);
  await list.close();
  const seams = {
    transport: new WebSocketTransport(),
    disk,
    clock: new SystemClock(),
    random: new SystemRandom(),
  };
  const node = await Node.start(cluster.configOf(id), seams, { logger: pino({ level: 'silent' }) });
  disk.fails = true;
  const url = `http://127.0.0.1:${node.port}/v1/divergence/default.7.1/discard`;
  await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  }).catch(() => undefined);
  expect(await node.stopped).toMatchObject({ code: 'EIO' });
});
