import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Holdfast } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import { SimCluster, type SimClusterOptions } from '../../src/cluster/sim-cluster.ts';
import type { SimMachine } from '../../src/cluster/sim-machine.ts';
import { marksMissed } from '../../src/coverage/coverage-marks.ts';
import { MARK_NAMES, MARKS, type MarkName } from '../../src/coverage/mark-list.ts';
import { Watch } from '../../src/run/watch.ts';

/** Cases that come with changes of membership. */
const MEMBERSHIP = [26, 27, 28, 29, 30];

async function clusterOf(
  nodes: number,
  options: Pick<SimClusterOptions, 'limits'> = {},
): Promise<{ cluster: SimCluster; met: (mark: MarkName) => number }> {
  const watch = new Watch(nodes);
  const cluster = new SimCluster({
    ...options,
    seed: 1,
    nodes,
    observer: watch,
    onNodeEnded: (boot, error) => watch.onNodeEnded(boot, error),
  });
  watch.follow(cluster);
  cluster.startAll();
  await primaryOf(cluster);
  return { cluster, met: (mark) => watch.marks.counts.get(mark) ?? 0 };
}

async function primaryOf(cluster: SimCluster): Promise<SimMachine> {
  await cluster.clock.runUntil(() => cluster.primary !== undefined, { limitMs: 5000 });
  return cluster.primary!;
}

function cutOff(cluster: SimCluster, machine: SimMachine): void {
  for (const { id } of cluster.machines) if (id !== machine.id) cluster.network.cut(machine.id, id);
}

describe('The list of marks', () => {
  it('says what each is, and names cases of faults that there are', () => {
    expect(MARK_NAMES.length).toBeGreaterThan(30);
    for (const mark of MARK_NAMES) {
      expect(MARKS[mark].says.length, mark).toBeGreaterThan(10);
      for (const fault of MARKS[mark].faults) {
        expect(fault, mark).toBeGreaterThanOrEqual(1);
        expect(fault, mark).toBeLessThanOrEqual(57);
        expect(MEMBERSHIP, mark).not.toContain(fault);
      }
    }
  });
});

describe('The page about simulation', () => {
  const page = (name: string): string =>
    readFileSync(join(import.meta.dirname, '../../../../docs', name), 'utf8');

  it('names for every case of faults the marks that belong to it', () => {
    const rows = (text: string): Map<number, string> =>
      new Map(
        text
          .split('\n')
          .flatMap((line) => (/^\| \d+ \|/.test(line) ? [[parseInt(line.slice(2), 10), line]] : [])),
      );
    const [cases, shown] = [rows(page('faults.md')), rows(page('simulation.md').split('## Faults hit')[1]!)];
    expect([...shown.keys()]).toEqual([...cases.keys()]);
    for (const [number, row] of shown) {
      const due = MARK_NAMES.filter((mark) => MARKS[mark].faults.includes(number));
      const named = [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name);
      expect(named.sort(), `${number}`).toEqual([...due].sort());
    }
  });
});

describe('Marks', () => {
  it('are not met while nothing goes wrong', async () => {
    const { cluster, met } = await clusterOf(3);
    await cluster.clock.advance(500);
    const rare = ['primarySuspected', 'officeEndedAlone', 'truncated', 'snapshotNeeded', 'tailLost'] as const;
    for (const mark of rare) expect(met(mark), mark).toBe(0);
  });

  it('tell a primary that lost its majority from one that was frozen', async () => {
    const { cluster, met } = await clusterOf(3);
    cutOff(cluster, await primaryOf(cluster));
    await cluster.clock.advance(1000);
    expect(met('officeEndedAlone')).toBe(1);
    expect(met('twoPrimariesAtOnce')).toBe(0);
    cluster.network.healAll();
    await cluster.clock.advance(1000);
    const old = await primaryOf(cluster);
    old.freeze();
    await cluster.clock.advance(1000);
    await primaryOf(cluster);
    old.thaw();
    await cluster.clock.advance(1000);
    expect(met('officeEndedFrozen')).toBe(1);
    expect(met('twoPrimariesAtOnce')).toBeGreaterThan(0);
  });

  it('tell that a suffix was cut, and that its entries were listed', async () => {
    const { cluster, met } = await clusterOf(3);
    const { transport, clock, random } = cluster.clientProcess('c1');
    const client = new Holdfast(cluster.urls, { seams: { transport, clock, random } });
    await cluster.clock.drive(client.put('key', 'kept'));
    cutOff(cluster, await primaryOf(cluster));
    await cluster.clock.drive(client.put('key', 'lost', { ack: 'local' }));
    await cluster.clock.advance(1000);
    await cluster.clock.drive(client.put('key', 'new'));
    cluster.network.healAll();
    await cluster.clock.advance(2000);
    for (const mark of ['truncated', 'divergenceFiled'] as const) expect(met(mark), mark).toBeGreaterThan(0);
  });

  it('tell what the run before left to the next', async () => {
    const { cluster, met } = await clusterOf(1);
    const [machine] = cluster.machines;
    machine!.powerOff({ keep: 'synced' });
    machine!.start();
    await primaryOf(cluster);
    expect(met('termOfVoteRecovered')).toBeGreaterThan(0);
  });

  it('tell who came back alone', async () => {
    const { cluster, met } = await clusterOf(3);
    for (const machine of cluster.machines) machine.powerOff({ keep: 'synced' });
    const [first, second] = cluster.machines;
    first!.start();
    await cluster.clock.advance(2000);
    expect(met('cameBackAlone')).toBe(1);
    expect(cluster.primary).toBe(undefined);
    second!.start();
    await primaryOf(cluster);
    expect(met('cameBackAlone')).toBe(1);
  });

  it('tell who died before what it had cut was replaced', async () => {
    const { cluster, met } = await clusterOf(3);
    const { transport, clock, random } = cluster.clientProcess('c1');
    const client = new Holdfast(cluster.urls, { seams: { transport, clock, random } });
    const former = await primaryOf(cluster);
    cutOff(cluster, former);
    await cluster.clock.drive(client.put('key', 'lost', { ack: 'local' }));
    await cluster.clock.advance(1000);
    await cluster.clock.drive(client.put('key', 'new'));
    cluster.network.healAll();
    await cluster.clock.runUntil(() => met('truncated') > 0, { limitMs: 5000 });
    expect(met('diedTruncating')).toBe(0);
    former.powerOff({ keep: 'synced' });
    former.start();
    await cluster.clock.advance(2000);
    expect(met('diedTruncating')).toBe(1);
    expect(met('truncated')).toBe(2);
  });

  it('tell that writes waited for room, which there was for all of them in the end', async () => {
    const bytes = { unappliedBytesMax: 1024, logCacheBytesMax: 1024, peerWindowBytes: 1024 };
    const { cluster, met } = await clusterOf(3, { limits: bytes });
    const { transport, clock, random } = cluster.clientProcess('c1');
    const client = new Holdfast(cluster.urls, { seams: { transport, clock, random } });
    const put = async (name: string): Promise<void> => {
      for (let at = 0; at < 20; at += 1) await client.put(`${name} ${at}`, 'value'.repeat(400));
    };
    await cluster.clock.drive(Promise.all(['a', 'b', 'c', 'd'].map(put)));
    for (const mark of ['writesAwaitApply', 'peerWindowFull'] as const)
      expect(met(mark), mark).toBeGreaterThan(0);
    await cluster.clock.advance(1000);
    const applied = cluster.machines.map(({ node }) => node!.status().applied);
    expect(new Set(applied).size).toBe(1);
  });

  it('that nobody met are named', () => {
    const missed = marksMissed(new Map([['truncated', 3]]));
    expect(missed).not.toContain('truncated');
    expect(missed.length).toBe(MARK_NAMES.length - 1);
  });
});
