import { Holdfast } from '@holdfast/client';
import type { NodeId } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { SimCluster } from '../src/cluster/sim-cluster.ts';
import type { SimProcess } from '../src/process/sim-process.ts';

const LIMIT_MS = 5000;

function clusterOf(
  nodes: number,
  seed = 1,
  print?: (line: string) => void,
  clocks: { readonly clientClockSpread?: number } = {},
): SimCluster {
  return new SimCluster({
    seed,
    nodes,
    print,
    clockDrift: 0.01,
    ...clocks,
    observer: {
      onRecovered: () => {},
      onStep: () => {},
      onBroken: (_boot, error) => {
        throw error;
      },
    },
    onNodeEnded: ({ node }, error) => {
      throw new Error(`${node} ended by itself`, { cause: error });
    },
  });
}

function clientOf(cluster: SimCluster, host = 'c1'): Holdfast {
  const { transport, clock, random }: SimProcess = cluster.clientProcess(host);
  return new Holdfast(cluster.urls, { seams: { transport, clock, random } });
}

async function started(nodes: number): Promise<SimCluster> {
  const cluster = clusterOf(nodes);
  cluster.startAll();
  await hasPrimary(cluster);
  return cluster;
}

async function hasPrimary(cluster: SimCluster): Promise<NodeId> {
  await cluster.clock.runUntil(() => cluster.primary !== undefined, { limitMs: LIMIT_MS });
  return cluster.primary!.id;
}

/** Same content everywhere, and how much of it. */
async function keysOnAll(cluster: SimCluster): Promise<number> {
  const digests = new Set<string>();
  let keys = 0;
  for (const { node } of cluster.machines) {
    const found = await cluster.clock.drive(node!.digest());
    digests.add(found.digest);
    keys = found.keys;
  }
  expect([...digests].length).toBe(1);
  return keys;
}

describe('A simulated cluster', () => {
  it.each([1, 2, 3, 5, 7])('of %i forms, takes writes and answers reads', async (nodes) => {
    const cluster = await started(nodes);
    const client = clientOf(cluster);
    await cluster.clock.drive(client.put('key', 'value'));
    await cluster.clock.drive(client.batch([{ type: 'put', key: 'other', value: 'value' }]));
    expect(await cluster.clock.drive(client.get('key', { consistency: 'linearizable' }))).toBe('value');
    expect((await cluster.clock.drive(client.increment('count', 5))).value).toBe(5);
    expect(await cluster.clock.drive(client.keys().all())).toEqual(['count', 'key', 'other']);
    await cluster.clock.advance(100);
    expect(await keysOnAll(cluster)).toBe(3);
  });

  it('goes on when its primary loses power, and the node comes back with all of it', async () => {
    const cluster = await started(3);
    const client = clientOf(cluster);
    for (let at = 0; at < 20; at++) await cluster.clock.drive(client.put(`key ${at}`, 'value'));
    const old = await hasPrimary(cluster);
    cluster.machine(old).powerOff({ keep: 'synced' });
    expect(await hasPrimary(cluster)).not.toBe(old);
    for (let at = 20; at < 40; at++) await cluster.clock.drive(client.put(`key ${at}`, 'value'));
    cluster.machine(old).start();
    await cluster.clock.advance(1000);
    expect(await keysOnAll(cluster)).toBe(40);
  });

  it('keeps everything when all nodes are killed, and when all lose power', async () => {
    const cluster = await started(3);
    const client = clientOf(cluster);
    for (const round of ['kill', 'powerOff'] as const) {
      await cluster.clock.drive(client.put(round, 'value'));
      for (const machine of cluster.machines)
        if (round === 'kill') machine.kill();
        else machine.powerOff({ keep: 'synced' });
      cluster.startAll();
      await hasPrimary(cluster);
    }
    expect(await cluster.clock.drive(client.getMany(['kill', 'powerOff']))).toEqual(['value', 'value']);
  });

  it('replaces a frozen primary, which learns of it when it is thawed', async () => {
    const cluster = await started(3);
    const client = clientOf(cluster);
    await cluster.clock.drive(client.put('key', '1'));
    const old = cluster.machine(await hasPrimary(cluster));
    old.freeze();
    await cluster.clock.drive(client.put('key', '2'));
    old.thaw();
    await cluster.clock.advance(1000);
    expect(old.node?.status().role).toBe('standby');
    expect(await cluster.clock.drive(client.get('key'))).toBe('2');
    expect(await keysOnAll(cluster)).toBe(1);
  });

  it('takes no writes at a primary that is cut off, and one when it is not', async () => {
    const cluster = await started(3);
    const client = clientOf(cluster);
    await cluster.clock.drive(client.put('key', '1'));
    const old = await hasPrimary(cluster);
    for (const { id } of cluster.machines) if (id !== old) cluster.network.cut(old, id);
    await cluster.clock.advance(1000);
    expect(cluster.machine(old).node?.status().admitting).toBe(false);
    await cluster.clock.drive(client.put('key', '2'));
    cluster.network.healAll();
    await cluster.clock.advance(1500);
    expect(await keysOnAll(cluster)).toBe(1);
  });
});

describe('Clocks of clients', () => {
  async function pacesOf(clocks: { readonly clientClockSpread?: number }): Promise<number[]> {
    const cluster = clusterOf(1, 1, undefined, clocks);
    const processes = ['c1', 'c2', 'c3'].map((host) => cluster.clientProcess(host));
    await cluster.clock.advance(1000);
    const { slowest, fastest } = cluster.clockRates;
    const paces = processes.map(({ clock }) => clock.now() / 1000);
    expect(Math.min(...paces)).toBeGreaterThanOrEqual(slowest);
    expect(Math.max(...paces)).toBeLessThanOrEqual(fastest);
    expect(cluster.nodeClockRates).toEqual({ slowest: 0.995, fastest: 1.005 });
    return paces;
  }

  it('are exact, or go at paces of their own, within what judges go by', async () => {
    expect(await pacesOf({})).toEqual([1, 1, 1]);
    expect(new Set(await pacesOf({ clientClockSpread: 2 })).size).toBe(3);
  });
});

describe('A session that wrote what a failover lost', () => {
  it('is told so by its first read, whatever else it has written since (G10)', async () => {
    const cluster = await started(3);
    const client = clientOf(cluster);
    const told: unknown[] = [];
    client.on('diverged', (divergence) => told.push(divergence));
    await cluster.clock.drive(client.put('key', 'old'));
    const old = await hasPrimary(cluster);
    for (const { id } of cluster.machines) if (id !== old) cluster.network.cut(old, id);
    const operations = [{ type: 'put', key: 'key', value: 'lost' } as const];
    const receipt = await cluster.clock.drive(client.write(operations, { ack: 'local' }));
    const { revision } = receipt;
    await cluster.clock.advance(1000);
    await cluster.clock.drive(client.put('other', 'value', { ack: 'quorum' }));
    const read = (): Promise<string | undefined> =>
      cluster.clock.drive(client.get('key', { consistency: 'session' }));
    await expect(read()).rejects.toMatchObject({ code: 'HOLDFAST_SESSION_DIVERGED' });
    expect(told).toEqual([{ lost: revision, surviving: revision - 1, receipts: [receipt] }]);
    expect(await read()).toBe('old');
    expect(await cluster.clock.drive(client.get('other', { consistency: 'session' }))).toBe('value');
  });
});

describe('One seed', () => {
  async function run(seed: number): Promise<{ digest: string; lines: string[] }> {
    const lines: string[] = [];
    const cluster = clusterOf(3, seed, (line) => lines.push(line));
    cluster.startAll();
    await hasPrimary(cluster);
    const clients = ['c1', 'c2'].map((host) => clientOf(cluster, host));
    for (let round = 0; round < 10; round++) {
      const calls = clients.map((client, place) => client.put(`${place} ${round}`, 'value'));
      await cluster.clock.drive(Promise.all(calls));
    }
    const old = await hasPrimary(cluster);
    cluster.machine(old).kill();
    await cluster.clock.drive(clients[0]!.put('after', 'value'));
    cluster.machine(old).start();
    await cluster.clock.advance(500);
    return { digest: cluster.trace.digest(), lines };
  }

  it('gives one trace, byte for byte', async () => {
    const one = await run(5);
    const other = await run(5);
    expect(other.lines).toEqual(one.lines);
    expect(other.digest).toBe(one.digest);
    expect((await run(6)).digest).not.toBe(one.digest);
  });
});
