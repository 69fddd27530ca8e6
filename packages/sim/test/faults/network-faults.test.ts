import { describe, expect, it, vi } from 'vitest';
import { mesh } from '../../src/faults/mesh.ts';
import { swizzle } from '../../src/faults/swizzle.ts';
import { SimRandom } from '../../src/index.ts';
import { FaultBench } from './support.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];

describe('A frozen primary', () => {
  it('is thawed, with a write under way, when another is in office', async () => {
    const bench = await FaultBench.formed(3);
    const former = bench.cluster.primary!;
    bench.inflict({ kind: 'freeze', node: 'n1', forMs: 30_000, officeMs: 5 });
    await bench.write(1);
    expect(bench.world.struck.get('freeze')).toBe(1);
    expect(former.isFrozen).toBe(false);
    expect(bench.met('officeEndedFrozen') + bench.met('officeEndedAlone')).toBe(1);
    expect(bench.cluster.primary).not.toBe(former);
    await bench.level();
  });
});

describe('Faults of the network', () => {
  it('repeat what nodes say to each other, and nothing comes of it', async () => {
    const bench = await FaultBench.formed(3);
    for (const from of ['n1', 'n2', 'n3'])
      for (const to of ['n1', 'n2', 'n3'])
        bench.inflict({ kind: 'repeats', from, to, share: 0.5, lateMsMax: 200, seed: 7, forMs: 2000 });
    expect(bench.world.struck.get('repeats')).toBe(6);
    await bench.write(20);
    await bench.cluster.clock.advance(1000);
    expect(bench.met('messageRepeated')).toBeGreaterThan(20);
    await bench.level();
  });

  it('leave a mesh in which somebody reaches a majority, who leads', async () => {
    const bench = await FaultBench.formed(5);
    const cut = [
      ['n1', 'n4'],
      ['n2', 'n4'],
      ['n1', 'n5'],
      ['n2', 'n5'],
      ['n4', 'n5'],
    ] as const;
    bench.inflict({ kind: 'mesh', cut, forMs: 3000 });
    await bench.cluster.clock.advance(1500);
    await bench.write(3);
    await bench.cluster.clock.advance(2000);
    await bench.level();
  });

  it('clog links one by one and free them in another order', async () => {
    const bench = await FaultBench.formed(3);
    const links = [
      { between: ['n1', 'n2'], clogMs: 10, freeMs: 400 },
      { between: ['n2', 'n3'], clogMs: 100, freeMs: 300 },
    ] as const;
    bench.inflict({ kind: 'swizzle', links });
    await bench.cluster.clock.advance(500);
    await bench.write(3);
    await bench.level();
    expect(bench.world.struck.get('swizzle')).toBe(1);
  });

  it('keep from a client what became of the change that it waits for', async () => {
    const bench = await FaultBench.formed(3);
    bench.inflict({ kind: 'lostAnswer', client: 'n1', awayMs: 10 });
    bench.isWriting = false;
    await bench.write(3);
    expect(bench.world.struck.get('lostAnswer')).toBe(undefined);
    bench.isWriting = true;
    await bench.write(1);
    expect(bench.world.struck.get('lostAnswer')).toBe(1);
    await bench.level();
  });

  it('make links late now and then, and very late seldom', async () => {
    const bench = await FaultBench.formed(3);
    const { clock, network } = bench.cluster;
    const tail = { shape: 1.5, scaleMs: 1, lateMsMax: 300, seed: 3, forMs: 30_000 };
    const delay = vi.spyOn(network, 'delay');
    bench.inflict({ kind: 'heavyTail', ...tail, host: 'n1' });
    expect(delay.mock.calls.map(([from, to]) => `${from} ${to}`)).toEqual([
      'n1 n2',
      'n1 n3',
      'n2 n1',
      'n3 n1',
    ]);
    const lateMs: number[] = [];
    for (let draws = 0; draws < 6000; draws += 1) {
      lateMs.push(delay.mock.calls[0]![2]());
      await clock.advance(3);
    }
    lateMs.sort((one, other) => one - other);
    const quantile = (share: number): number => lateMs[Math.floor(share * lateMs.length)]!;
    expect(quantile(0.5)).toBeLessThan(1);
    expect(quantile(0.99)).toBeGreaterThan(10);
    expect(lateMs.at(-1)).toBeGreaterThan(100);
    expect(lateMs.at(-1)).toBeLessThanOrEqual(300);
    await bench.write(20);
    expect(bench.world.struck.get('heavyTail')).toBe(1);
    bench.world.end();
    await bench.level();
  });

  it('let a snapshot come over a slow link, however long a piece of it takes', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(30, 'value'.repeat(2000));
    const { standby } = bench;
    const { id: to } = standby;
    const slow = { kind: 'slowLink', from: 'n1', to, primaryIs: 'from', bytesPerSecond: 10_000 } as const;
    bench.inflict({ ...slow, forMs: 90_000 });
    for (let seed = 1; bench.met('snapshotNeeded') === 0; seed += 1) {
      bench.inflict({ kind: 'storeDamage', node: to, seed, comeback: { awayMs: 10 } });
      await bench.cluster.clock.advance(300);
    }
    await bench.until(() => bench.met('snapshotInstalled') > 0, 90_000);
    expect(bench.met('snapshotFailed')).toBe(0);
    await bench.level();
  });

  it('cut messages short, of which nothing is taken for whole', async () => {
    const bench = await FaultBench.formed(3);
    const { id: standby } = bench.standby;
    for (const from of ['n1', 'n2', 'n3', 'c1'])
      for (const to of ['n1', 'n2', 'n3'])
        if (from !== to)
          bench.inflict({ kind: 'halfMessage', from, to, bytesMin: 200, share: 0.9, lingerMs: 300 });
    await bench.write(20, 'value'.repeat(100));
    bench.inflict({ kind: 'halfMessage', from: standby, to: standby, bytesMin: 1, share: 0.5, lingerMs: 1 });
    expect(bench.world.struck.get('halfMessage')).toBeGreaterThan(2);
    expect(bench.met('messageCutShort')).toBe(bench.world.struck.get('halfMessage'));
    bench.world.end();
    await bench.level();
    await bench.readsAll();
  });

  it('are drawn for clusters of every size', () => {
    for (let size = 1; size <= NODES.length; size += 1) {
      const nodes = NODES.slice(0, size);
      const scene = { nodes, clients: [], hosts: nodes };
      const { links } = swizzle.draw(new SimRandom(size), scene);
      for (const { clogMs, freeMs } of links) expect(freeMs).toBeGreaterThan(clogMs);
      const pairs = (size * (size - 1)) / 2;
      expect(links.length).toBeLessThanOrEqual(pairs);
      expect(mesh.draw(new SimRandom(size), scene).cut.length).toBeLessThanOrEqual(pairs);
    }
  });
});
