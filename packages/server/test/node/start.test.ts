import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type NodeId, nodeId } from '@holdfast/types';
import { afterEach, describe, expect, test } from 'vitest';
import { reservePorts } from './support/ports.ts';
import { TestClient } from './support/test-client.ts';
import { TestCluster } from './support/test-cluster.ts';
import { waitFor } from './support/wait-for.ts';

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

const N1: NodeId = nodeId('n1');
const N2: NodeId = nodeId('n2');

describe('a start is refused, and says why', () => {
  test('the port is taken', async () => {
    cluster = await TestCluster.make(1);
    const { port } = cluster.configOf(N1).listen;
    const other = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    await expect(cluster.start(N1)).rejects.toMatchObject({ code: 'HOLDFAST_PORT_IN_USE' });
    await new Promise((resolve) => other.close(resolve));
    await cluster.start(N1);
  });

  test('another node has the data directory', async () => {
    cluster = await TestCluster.make(2);
    await cluster.start(N1);
    const refused = cluster.start(N2, { data: cluster.data(N1) });
    await expect(refused).rejects.toMatchObject({ code: 'HOLDFAST_DATA_DIRECTORY_IN_USE' });
    expect(cluster.node(N1).status().role).toBe('forming');
  });

  // Such a store is not opened, and so not locked.
  test('another process has the data directory, and the store in it is damaged', async () => {
    cluster = await TestCluster.make(1);
    await cluster.start(N1);
    await cluster.stop(N1);
    await writeFile(join(cluster.data(N1), 'databases/default/store/DAMAGED'), 'a checksum');
    await cluster.start(N1);
    const [port] = await reservePorts(1);
    const refused = cluster.start(N1, { listen: { host: '127.0.0.1', port: port! } });
    await expect(refused).rejects.toMatchObject({
      code: 'HOLDFAST_DATA_DIRECTORY_IN_USE',
      message: expect.stringMatching(/n1 is in use/),
    });
  });

  test('the data directory belongs to another node', async () => {
    cluster = await TestCluster.make(2);
    await cluster.start(N1);
    await cluster.stop(N1);
    const refused = cluster.start(N2, { data: cluster.data(N1) });
    await expect(refused).rejects.toMatchObject({
      code: 'HOLDFAST_DATA_DIRECTORY_UNUSABLE',
      message: expect.stringContaining('belongs to node n1'),
    });
    await cluster.start(N1);
  });

  test.each([
    ['it is a file', async (data: string) => writeFile(data, 'x')],
    [
      'its identity is damaged',
      async (data: string) => {
        await mkdir(data, { recursive: true });
        await writeFile(join(data, 'identity.json'), '{"disk":');
      },
    ],
  ])('the data directory cannot be used: %s', async (_what, spoil) => {
    cluster = await TestCluster.make(1);
    await spoil(cluster.data(N1));
    await expect(cluster.start(N1)).rejects.toMatchObject({ code: 'HOLDFAST_DATA_DIRECTORY_UNUSABLE' });
  });

  test('the list of nodes is not the one the cluster formed with', async () => {
    cluster = await TestCluster.make(1);
    await cluster.start(N1);
    await cluster.primary();
    await cluster.stop(N1);
    const { peers } = cluster.configOf(N1);
    const refused = cluster.start(N1, { peers: [...peers, { id: N2, url: 'ws://127.0.0.1:1' }] });
    await expect(refused).rejects.toMatchObject({
      code: 'HOLDFAST_WRONG_CLUSTER',
      message: expect.stringMatching(/formed with the nodes n1; this start names n1, n2/),
    });
    await cluster.start(N1);
    await cluster.primary();
  });
});

test('the identity of a directory is made once', async () => {
  cluster = await TestCluster.make(1);
  const { disk } = (await cluster.start(N1)).status();
  await cluster.kill(N1);
  const again = (await cluster.start(N1)).status();
  expect(again.disk).toBe(disk);
  expect(JSON.parse(await readFile(join(cluster.data(N1), 'identity.json'), 'utf8'))).toEqual({
    disk,
    node: 'n1',
  });
});

test('what a snapshot that never ended left behind is removed', async () => {
  cluster = await TestCluster.make(1);
  const leftover = join(cluster.data(N1), 'databases/default/store-7');
  await mkdir(leftover, { recursive: true });
  await writeFile(join(leftover, 'something'), 'half');
  await cluster.start(N1);
  await cluster.primary();
  expect(await readdir(join(cluster.data(N1), 'databases/default'))).toEqual(
    expect.not.arrayContaining(['store-7']),
  );
});

test('a cluster that has not met serves nobody, and says so', async () => {
  cluster = await TestCluster.make(2);
  const node = await cluster.start(N1);
  expect(node.status()).toMatchObject({
    role: 'forming',
    ready: false,
    notReadyReason: expect.stringContaining('not formed'),
  });
  await expect(TestClient.connect(cluster.url(N1))).rejects.toMatchObject({ code: 'HOLDFAST_NOT_READY' });
});

test('a node that lost its disk and comes back empty neither votes nor counts, and says so', async () => {
  cluster = await TestCluster.make(3);
  await cluster.startAll();
  const primary = await cluster.primaryId();
  const wiped = cluster.ids.find((id) => id !== primary)!;
  await cluster.kill(wiped);
  await rm(cluster.data(wiped), { recursive: true });
  const node = await cluster.start(wiped);
  await waitFor('the verdict', () => node.status().exclusion === 'wiped');
  expect(node.status()).toMatchObject({ ready: false, notReadyReason: expect.stringContaining('wiped') });
  await cluster.kill(wiped);
  const again = await cluster.start(wiped);
  await waitFor('the verdict to stand', () => again.status().exclusion === 'wiped');
});

test('a node whose databases are gone from beside its identity is wiped as well', async () => {
  cluster = await TestCluster.make(3);
  await cluster.startAll();
  const primary = await cluster.primaryId();
  const wiped = cluster.ids.find((id) => id !== primary)!;
  const { disk } = cluster.node(wiped).status();
  await cluster.kill(wiped);
  await rm(join(cluster.data(wiped), 'databases'), { recursive: true });
  const node = await cluster.start(wiped);
  await waitFor('the verdict', () => node.status().exclusion === 'wiped');
  expect(node.status().disk).not.toBe(disk);
  await cluster.kill(wiped);
  const again = await cluster.start(wiped);
  await waitFor('the verdict to stand', () => again.status().exclusion === 'wiped');
  expect(again.status().disk).toBe(node.status().disk);
});

test('a first start that was cut off before there was a log leaves nothing in the way', async () => {
  cluster = await TestCluster.make(2);
  await mkdir(cluster.data(N1), { recursive: true });
  await writeFile(join(cluster.data(N1), 'identity.json'), `{"disk":"${'0'.repeat(32)}","node":"n1"}`);
  await cluster.startAll();
  await cluster.primary();
  await cluster.level();
});

test('a database that cannot go on ends its node, with the reason', async () => {
  cluster = await TestCluster.make(1);
  const node = await cluster.start(N1);
  await cluster.primary();
  const client = await TestClient.connect(cluster.url(N1));
  await client.put('a', '1');
  cluster.failDisk(N1);
  const write = client.put('b', '2');
  await expect(write).rejects.toMatchObject({ outcome: 'unknown' });
  expect(await node.stopped).toBeInstanceOf(Error);
  await waitFor('the port to be free', () => client.closed);
});
