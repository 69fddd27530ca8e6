import type { NodeId, Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { FakeCluster } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

const NODES = ['m1', 'm2', 'm3'];
let world: World;
let cluster: FakeCluster;
let db: Holdfast;

/** Nodes that tell clients addresses that only other nodes can reach, as behind mapped ports. */
beforeEach(async () => {
  world = await World.start(0);
  cluster = new FakeCluster(
    NODES.map((id) => ({
      id: id as NodeId,
      url: `ws://hidden-${id}:7100`,
      transport: world.network.transport(id),
    })),
  );
  for (const node of cluster.nodes) await node.start();
  db = await world.opened(
    {},
    NODES.map((id) => `ws://${id}:7100`),
  );
});

const connections = (): number[] => cluster.nodes.map((node) => node.connections);

test('a node that is known by a given address alone is found again there', async () => {
  await world.drive(db.put('a', '1'));
  expect(connections()).toEqual([1, 1, 1]);
  world.network.kill('m2');
  await cluster.node('m2').stop();
  await world.clock.advance(100);
  await cluster.node('m2').start();
  await world.clock.advance(2000);
  expect(connections()).toEqual([1, 1, 1]);
  cluster.elect('m2');
  await world.drive(db.put('a', '2', { timeoutMs: 1000 }));
});

test('nodes that have lost the others do not keep a client from these', async () => {
  world = await World.start(7);
  const { nodes, topology } = world.cluster;
  db = await world.opened();
  const linked = (): number[] => nodes.map((node) => node.connections);
  expect(linked()).toEqual([1, 1, 1, 0, 0, 0, 0]);
  world.cluster.term = 3;
  world.cluster.primary = 'n5' as NodeId;
  for (const node of nodes.slice(0, 3)) node.announce({ term: 2 as Term, nodes: topology.nodes });
  await world.drive(db.put('a', '1', { timeoutMs: 2000 }));
  await world.clock.advance(500);
  expect(linked().filter((connections) => connections === 1)).toHaveLength(3);
  // The primary is gone without a word, and so are those who would know of the next one.
  world.network.kill('n5');
  world.cluster.term = 4;
  world.cluster.primary = 'n7' as NodeId;
  await world.drive(db.put('a', '2', { timeoutMs: 2000 }));
});

test('of two connections to a node that one stays which was there first, with what is held over it', async () => {
  world = await World.start(0);
  const hosts = ['far', 'near'];
  const seats = hosts.map((host) => {
    const url = `ws://${host}:7100`;
    return { id: 'm1' as NodeId, url, transport: world.network.transport(host) };
  });
  cluster = new FakeCluster(seats);
  for (const node of cluster.nodes) await node.start();
  world.network.setLatency('far', 'app', 50);
  db = world.client(
    {},
    hosts.map((host) => `ws://${host}:7100`),
  );
  await world.drive(db.put('a', '1'));
  await world.drive(db.put('b', '2'));
  expect(connections()).toEqual([1, 1]);
  const snapshot = db.snapshot();
  expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
  await world.clock.advance(500);
  expect(connections()).toEqual([0, 1]);
  expect(await world.drive(db.get('b', { snapshot }))).toBe('2');
});

test('a node that comes up takes over what the only other one keeps silent about', async () => {
  world = await World.start(2);
  world.kill('n2');
  db = await world.opened({ consistency: 'eventual' });
  await world.drive(db.put('a', '1'));
  world.cluster.node('n1').freeze();
  const read = world.timed(db.get('a'));
  await world.clock.advance(600);
  await world.cluster.node('n2').start();
  expect(await read).toMatchObject({ value: '1' });
  expect((await read).ms).toBeLessThan(1500);
});

test('an announced address that leads to another node, to which there is a connection already, is tried less and less often', async () => {
  world = await World.start(0);
  const hosts = ['own', 'other'];
  const urls = hosts.map((host) => `ws://${host}:7100`);
  cluster = new FakeCluster(
    hosts.map((host, at) => ({
      id: 'm1' as NodeId,
      url: urls[at] as string,
      transport: world.network.transport(host),
    })),
  );
  const nodes = urls.map((url, at) => ({ id: `m${at + 1}` as NodeId, url }));
  const announced = { ...cluster.topology, nodes };
  Object.defineProperty(cluster, 'topology', { get: () => announced });
  for (const node of cluster.nodes) await node.start();
  db = await world.opened({}, urls.slice(0, 1));
  await world.clock.advance(10_000);
  const hellos = cluster.nodes[1]?.received.filter(({ kind }) => kind === 'hello').length;
  expect(hellos).toBeGreaterThan(10);
  expect(hellos).toBeLessThan(50);
  expect(connections()).toEqual([1, 0]);
});
