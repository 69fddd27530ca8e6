import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { nodeId } from '@holdfast/types';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { nodesWithData, readClusterFile, writeClusterFile } from '../../src/cluster/cluster-file.ts';
import { choosePorts, isPortFree } from '../../src/cluster/ports.ts';
import { prepareCluster, wipeCluster } from '../../src/cluster/prepare-cluster.ts';

let directory: string;

beforeEach(() => {
  directory = join(temporaryDirectory(), '.holdfast');
});

function giveData(...ids: string[]): void {
  for (const id of ids) {
    mkdirSync(join(directory, id), { recursive: true });
    writeFileSync(join(directory, id, 'identity.json'), '{}');
  }
}

const wishes = { nodes: undefined, ack: undefined };

describe('a cluster is prepared', () => {
  it('with three nodes at quorum, and remembered', async () => {
    const prepared = await prepareCluster({ directory, ...wishes });
    expect(prepared).toMatchObject({ ack: 'quorum', isNew: true });
    expect(prepared.nodes.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3']);
    expect(readClusterFile(directory)).toEqual({ ack: 'quorum', nodes: prepared.nodes });
  });

  it('with what was asked for before, when nothing is asked for now', async () => {
    await prepareCluster({ directory, nodes: 5, ack: 'all' });
    giveData('n1', 'n2', 'n3', 'n4', 'n5');
    const prepared = await prepareCluster({ directory, ...wishes });
    expect(prepared).toMatchObject({ ack: 'all', isNew: false });
    expect(prepared.nodes).toHaveLength(5);
    expect(await prepareCluster({ directory, nodes: 5, ack: 'local' })).toMatchObject({ ack: 'local' });
  });

  it('never with other nodes than it was formed by', async () => {
    await prepareCluster({ directory, ...wishes });
    giveData('n1', 'n2', 'n3');
    await expect(prepareCluster({ directory, nodes: 5, ack: undefined })).rejects.toMatchObject({
      code: 'HOLDFAST_WRONG_CLUSTER',
      message: expect.stringMatching(/formed by n1, n2, n3; asked for are n1, n2, n3, n4, n5/),
    });
    rmSync(join(directory, 'cluster.json'));
    await expect(prepareCluster({ directory, nodes: 2, ack: undefined })).rejects.toMatchObject({
      code: 'HOLDFAST_WRONG_CLUSTER',
    });
    expect((await prepareCluster({ directory, ...wishes })).nodes).toHaveLength(3);
  });

  it('with another number as long as nothing was written', async () => {
    await prepareCluster({ directory, ...wishes });
    expect((await prepareCluster({ directory, nodes: 5, ack: undefined })).nodes).toHaveLength(5);
  });

  it('in order of numbers, not of letters', async () => {
    await prepareCluster({ directory, nodes: 11, ack: undefined });
    giveData(...Array.from({ length: 11 }, (_, at) => `n${at + 1}`));
    const ids = (await prepareCluster({ directory, ...wishes })).nodes.map(({ id }) => id);
    expect(ids.slice(-2)).toEqual(['n10', 'n11']);
  });

  it('and wiped, all but what is not its own', async () => {
    await prepareCluster({ directory, ...wishes });
    giveData('n1', 'n2');
    mkdirSync(join(directory, 'notes'));
    wipeCluster(directory);
    expect(nodesWithData(directory)).toEqual([]);
    expect(readdirSync(directory)).toEqual(['notes']);
  });
});

describe('the file of a cluster', () => {
  it.each([
    '{',
    '[]',
    '{"format":2}',
    '{"format":1,"ack":"some","nodes":[]}',
    '{"format":1,"ack":"all","nodes":[{"id":"n1"}]}',
  ])('is refused when it reads %s', (text) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'cluster.json'), text);
    expect(() => readClusterFile(directory)).toThrow(/is not readable/);
  });

  it('is replaced in one step', () => {
    const nodes = [{ id: nodeId('n1'), port: 7101 }];
    writeClusterFile(directory, { ack: 'all', nodes });
    writeClusterFile(directory, { ack: 'local', nodes });
    expect(readClusterFile(directory)).toEqual({ ack: 'local', nodes });
    expect(readdirSync(directory)).toEqual(['cluster.json']);
  });
});

describe('ports', () => {
  const nodes = [7101, 7102, 7103].map((port, at) => ({ id: nodeId(`n${at + 1}`), port }));
  const taken =
    (...ports: number[]) =>
    async (port: number) =>
      !ports.includes(port);

  it('stay as they are while they are free', async () => {
    expect(await choosePorts(nodes, taken())).toEqual({ nodes, moved: [] });
  });

  it('that are taken give way to the next free ones, each to another', async () => {
    const choice = await choosePorts(nodes, taken(7101, 7103, 7104, 7106));
    expect(choice.nodes.map(({ port }) => port)).toEqual([7105, 7102, 7107]);
    expect(choice.moved).toEqual([
      { id: 'n1', from: 7101, to: 7105 },
      { id: 'n3', from: 7103, to: 7107 },
    ]);
  });

  it('run out with an error', async () => {
    const high = [{ id: nodeId('n1'), port: 65_534 }];
    await expect(choosePorts(high, taken(65_534, 65_535))).rejects.toMatchObject({
      code: 'HOLDFAST_PORT_IN_USE',
    });
  });

  it('are found taken when somebody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isPortFree(port)).toBe(true);
  });
});
