import { AssertionError, DiskError, HoldfastError, nodeId } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { DATABASE } from '../../src/faults/data-paths.ts';
import { damageablePlaces } from '../../src/faults/wal-places.ts';
import { SimRandom } from '../../src/index.ts';
import { FaultBench } from './support.ts';

const SOON = { comeback: { awayMs: 10 } };

describe('Damage to a log', () => {
  it('is found and healed wherever it lies', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(12);
    for (let seed = 1; seed <= 8; seed += 1) {
      const { id: node } = bench.standby;
      bench.inflict({ kind: 'walDamage', node, what: seed % 2 === 0 ? 'bit' : 'sector', seed, ...SOON });
      expect(bench.met('logDamaged')).toBe(seed);
      await bench.write(2);
      await bench.cluster.clock.advance(500);
      await bench.level();
    }
    expect(bench.met('holeFound')).toBeGreaterThan(2);
    expect(bench.met('holeHealed')).toBeGreaterThan(0);
    expect(bench.ends).toEqual([]);
  });

  it('never takes what nothing behind it calls synced, and what only one node holds', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(5);
    const machine = bench.cluster.primary!;
    for (const { id } of bench.cluster.machines)
      if (id !== machine.id) bench.cluster.network.cut(machine.id, id);
    await bench.cluster.clock.drive(bench.client.put('only', 'here', { ack: 'local' }));
    machine.kill();
    const last = Math.max(
      ...damageablePlaces(machine, bench.watch, 1).map((place) => place(new SimRandom(1)).position),
    );
    const [path] = [...machine.disk.files(`${DATABASE}/wal`).keys()].filter((name) => name.endsWith('.wal'));
    const bytes = machine.disk.files(`${DATABASE}/wal`).get(path!)!;
    expect(last).toBeLessThan(Buffer.from(bytes).lastIndexOf('only'));
  });

  it('strikes no more nodes at a time than a majority can do without', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(5);
    const [one, other] = bench.cluster.machines;
    bench.inflict({ kind: 'walDamage', node: one!.id, what: 'bit', seed: 1, comeback: { awayMs: 1000 } });
    bench.inflict({ kind: 'walDamage', node: other!.id, what: 'bit', seed: 1, ...SOON });
    bench.inflict({ kind: 'storeDamage', node: other!.id, seed: 1, ...SOON });
    bench.inflict({ kind: 'wipe', node: other!.id, what: 'disk', ...SOON });
    expect(bench.met('logDamaged')).toBe(1);
    expect(other!.isUp).toBe(true);
    await bench.cluster.clock.advance(2500);
    await bench.level();
    bench.inflict({ kind: 'walDamage', node: other!.id, what: 'bit', seed: 1, ...SOON });
    expect(bench.met('logDamaged')).toBe(2);
  });

  it('is not for a cluster of one or two, which have no copy to spare', async () => {
    for (const nodes of [1, 2]) {
      const bench = await FaultBench.formed(nodes);
      await bench.write(3);
      bench.inflict({ kind: 'walDamage', node: 'n1', what: 'bit', seed: 1, ...SOON });
      expect(bench.met('logDamaged')).toBe(0);
    }
  });
});

describe('What struck', () => {
  it('is counted by kind, and not what found nobody to strike', async () => {
    const bench = await FaultBench.formed(3);
    const fault = { kind: 'kill', node: 'n1', comeback: { awayMs: 1000 } } as const;
    bench.inflict(fault);
    bench.inflict(fault);
    bench.inflict({ kind: 'wallClock', node: 'n2', offsetMs: 5 });
    expect([...bench.world.struck]).toEqual([
      ['kill', 1],
      ['wallClock', 1],
    ]);
  });
});

describe('A damaged store', () => {
  it('is rebuilt from a peer, never served', async () => {
    const bench = await FaultBench.formed(3);
    for (let seed = 1; seed <= 6; seed += 1) {
      await bench.write(5);
      bench.inflict({ kind: 'storeDamage', node: bench.standby.id, seed, ...SOON });
      await bench.cluster.clock.advance(1000);
      await bench.level();
    }
    expect(bench.met('storeDamaged')).toBe(6);
    expect(bench.met('storeUnusable')).toBeGreaterThan(0);
    expect(bench.ends).toEqual([]);
  });

  it('waits for room to open what a peer has sent', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(5);
    const { id: node } = bench.standby;
    const full = { kind: 'fullDisk', node, forMs: 2000 } as const;
    bench.watch.triggers.once('installs', () => bench.inflict(full));
    for (let seed = 1; seed <= 20 && bench.met('diskFull') === 0; seed += 1) {
      bench.inflict({ kind: 'storeDamage', node, seed, ...SOON });
      await bench.cluster.clock.advance(1000);
    }
    await bench.cluster.clock.advance(2000);
    await bench.level();
    expect(bench.met('snapshotInstalled')).toBeGreaterThan(0);
    expect(bench.ends).toEqual([]);
  });
});

describe('A replaced disk (G15)', () => {
  it.each(['disk', 'databases', 'log'] as const)('neither votes nor counts, its %s gone', async (what) => {
    const bench = await FaultBench.formed(3);
    await bench.write(5);
    const wiped = bench.standby;
    await bench.cluster.clock.advance(500);
    bench.inflict({ kind: 'wipe', node: wiped.id, what, ...SOON });
    await bench.until(() => wiped.node?.status().exclusion !== undefined);
    const exclusion = what === 'log' ? 'hard-state-lost' : 'wiped';
    expect(wiped.node!.status().exclusion).toBe(exclusion);
    await bench.write(2);
    bench.cluster.machines.find((machine) => machine !== wiped && machine !== bench.cluster.primary)!.kill();
    await bench.cluster.clock.advance(1500);
    expect(bench.cluster.primary).toBeUndefined();
    bench.cluster.startAll();
    await bench.write(2);
    wiped.kill();
    wiped.start();
    await bench.until(() => wiped.node?.status().exclusion !== undefined);
    expect(wiped.node!.status().exclusion).toBe(exclusion);
    expect(bench.watch.failure).toBeUndefined();
  });

  it('is never that of a node which has not read yet what it lists as lost', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(5);
    const machine = bench.standby;
    await bench.until(() => bench.world.holdsNothingAlone(machine));
    machine.kill();
    expect(bench.world.holdsNothingAlone(machine)).toBe(false);
    bench.inflict({ kind: 'fullDisk', node: machine.id, forMs: 2000 });
    machine.start();
    await bench.until(() => machine.node?.status().notReadyReason !== undefined);
    expect(machine.node!.status().cluster).toBeUndefined();
    expect(bench.world.holdsNothingAlone(machine)).toBe(false);
    await bench.until(() => bench.world.holdsNothingAlone(machine));
  });

  it('is found when a directory is put back under the primary to which it had acknowledged more', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(3);
    const { standby } = bench;
    await bench.cluster.clock.advance(500);
    bench.inflict({ kind: 'putBack', node: standby.id, ageMs: 300, comeback: { awayMs: 1 } });
    await bench.write(3);
    await bench.cluster.clock.advance(1000);
    expect(bench.met('diskPutBack')).toBe(1);
    expect(bench.met('wentBackFoundOut')).toBeGreaterThan(0);
    expect(standby.node!.status().exclusion).toBe('disk-went-back');
  });
});

describe('A slow disk', () => {
  it('may be slow for the log alone, or for the tables of a store, and is well again', async () => {
    const bench = await FaultBench.formed(1);
    const timing = bench.cluster.diskTimings.get(nodeId('n1'))!;
    const log = { kind: 'sync', path: `${DATABASE}/wal/1.wal`, bytes: 0 } as const;
    const table = { ...log, path: `${DATABASE}/store/000005.ldb` };
    const ofStore = { ...log, path: `${DATABASE}/store/000004.log` };
    const usual = [log, table, ofStore].map((operation) => timing.draw(operation));
    const slowed = (): number[] =>
      [log, table, ofStore].map((operation, place) => timing.draw(operation) / usual[place]!);
    const fault = { kind: 'slowDisk', node: 'n1', times: 10, forMs: 100 } as const;
    for (const [files, expected] of [
      ['log', [10, 1, 1]],
      ['tables', [1, 10, 1]],
      ['store', [1, 10, 10]],
    ] as const) {
      bench.inflict({ ...fault, files });
      slowed().forEach((times, place) => {
        expect(times).toBeCloseTo(expected[place]!);
      });
    }
    bench.world.end();
    expect(slowed()).toEqual([1, 1, 1]);
  });
});

describe('A failed sync (P10)', () => {
  it.each(['wal', 'store'] as const)(
    'of the %s ends its node, and nothing acknowledged is lost',
    async (where) => {
      const bench = await FaultBench.formed(3);
      await bench.write(3);
      const { id: node } = bench.cluster.primary!;
      const fault = {
        kind: 'failedSync',
        node,
        where,
        forGood: false,
        forMs: 20_000,
        loss: 'synced',
        ...SOON,
      } as const;
      bench.inflict(fault);
      await bench.write(3);
      await bench.until(() => bench.met('stoppedByDisk') === 1, 20_000);
      await bench.cluster.clock.advance(1000);
      await bench.level();
      for (let at = 0; at < 6; at += 1)
        expect(await bench.cluster.clock.drive(bench.client.get(`key ${at}`))).toBe('value');
      expect(bench.ends).toEqual([]);
    },
  );
});

describe('Operations that fail with EIO (P10)', () => {
  it.each([
    ['write', 'wal'],
    ['write', 'store'],
    ['read', 'store'],
  ] as const)('a %s of the %s ends its node, and nothing acknowledged is lost', async (operation, where) => {
    const bench = await FaultBench.formed(3);
    await bench.write(3);
    const { id: node } = bench.cluster.primary!;
    const fault = {
      kind: 'failedOperation',
      node,
      operation,
      where,
      forGood: false,
      forMs: 20_000,
      ...SOON,
    } as const;
    bench.inflict({ ...fault, isRestarted: operation === 'read' });
    await bench.write(3);
    await bench.until(() => bench.met('stoppedByDisk') === 1, 20_000);
    expect(bench.world.struck.get('failedOperation')).toBe(1);
    await bench.cluster.clock.advance(1000);
    await bench.level();
    for (let at = 0; at < 6; at += 1)
      expect(await bench.cluster.clock.drive(bench.client.get(`key ${at}`))).toBe('value');
    expect(bench.ends).toEqual([]);
  });
});

describe('Reads of the log that fail', () => {
  it('do not while a node without room reads it once more: the disk would read again halfway, which is damage', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(6);
    const machine = bench.standby;
    machine.kill();
    const full = machine.disk.inject({
      operation: 'write',
      code: 'ENOSPC',
      path: (path) => path.startsWith(`${DATABASE}/wal`),
      times: Infinity,
    });
    machine.start();
    await bench.until(() => machine.node !== undefined);
    expect(machine.node!.status().ready).toBe(false);
    const fault = { kind: 'failedOperation', node: machine.id, operation: 'read', where: 'wal' } as const;
    bench.inflict({ ...fault, forGood: true, forMs: 4500, isRestarted: false, ...SOON });
    await bench.cluster.clock.advance(5000);
    full.clear();
    await bench.level();
    expect(bench.met('readFailed')).toBe(0);
    expect(bench.met('holeFound')).toBe(0);
  });
});

describe('Entries of directories that fail with EIO (P10)', () => {
  it.each([
    ['syncDirectory', 'wal', true],
    ['syncDirectory', 'store', true],
    ['syncDirectory', 'store', false],
    ['syncDirectory', 'database', true],
    ['open', 'wal', true],
    ['open', 'store', true],
    ['open', 'store', false],
    ['open', 'database', true],
    ['rename', 'wal', true],
    ['rename', 'store', true],
  ] as const)(
    '%s in the %s ends its node (started anew: %s), and nothing acknowledged is lost',
    async (operation, where, isRestarted) => {
      const bench = await FaultBench.formed(3);
      await bench.write(3);
      const { id: node } = bench.cluster.primary!;
      const entry = { kind: 'failedEntry', node, operation, where, isRestarted } as const;
      bench.inflict({ ...entry, forGood: false, forMs: 20_000, loss: 'synced', ...SOON });
      await bench.write(3);
      await bench.until(() => bench.met('stoppedByDisk') === 1, 20_000);
      expect(bench.world.struck.get('failedEntry')).toBe(1);
      expect(bench.met(operation === 'syncDirectory' ? 'directorySyncFailed' : 'entryFailed')).toBe(1);
      await bench.cluster.clock.advance(1000);
      await bench.level();
      for (let at = 0; at < 6; at += 1)
        expect(await bench.cluster.clock.drive(bench.client.get(`key ${at}`))).toBe('value');
      expect(bench.ends).toEqual([]);
    },
  );

  it('are no matter to a store that only tidies up', async () => {
    const bench = await FaultBench.formed(3);
    const { id: node } = bench.standby;
    const entry = { kind: 'failedEntry', node, operation: 'remove', where: 'store' } as const;
    bench.inflict({ ...entry, forGood: true, forMs: 1000, isRestarted: true, ...SOON });
    await bench.until(() => bench.met('entryFailed') > 0);
    await bench.level();
    expect(bench.met('stoppedByDisk')).toBe(0);
  });
});

describe('A directory of a log that drops what a sync of it was to cover (P10)', () => {
  it.each([true, false])(
    'costs nothing acknowledged when power goes (started anew: %s)',
    async (isRestarted) => {
      const bench = await FaultBench.formed(3);
      await bench.write(3);
      const { id: node } = bench.cluster.primary!;
      const fault = { kind: 'droppedEntries', node, isRestarted, lossAfterMs: 1000, loss: 'synced' } as const;
      bench.inflict({ ...fault, forMs: 60_000, comeback: { awayMs: 5 } });
      // A log makes segments, and so syncs its directory, as it grows.
      while (bench.met('stoppedByDisk') === 0) await bench.write(20);
      expect(bench.world.struck.get('droppedEntries')).toBe(1);
      expect(bench.met('entriesDropped')).toBe(1);
      await bench.cluster.clock.advance(2000);
      await bench.level();
      expect(bench.cluster.machine(node).runs).toBeGreaterThan(2);
      for (const at of [0, 1, 2, 10, 22])
        expect(await bench.cluster.clock.drive(bench.client.get(`key ${at}`))).toBe('value');
      expect(bench.ends).toEqual([]);
    },
  );
});

describe('A log that cannot be read while its node starts', () => {
  it.each([0, 1, 2])('ends that start, from read %i on, and is whole the next time', async (after) => {
    const bench = await FaultBench.formed(3);
    await bench.write(6);
    const { id: node } = bench.cluster.primary!;
    bench.inflict({ kind: 'unreadableLog', node, after, forGood: true, loss: 'synced', ...SOON });
    await bench.write(3);
    await bench.until(() => bench.met('stoppedByDisk') === 1);
    expect(bench.world.struck.get('unreadableLog')).toBe(1);
    await bench.cluster.clock.advance(1000);
    await bench.level();
    expect(bench.met('holeFound')).toBe(0);
    expect(bench.ends).toEqual([]);
  });

  it('is read once more where it failed to be read', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(6);
    const { id: node } = bench.standby;
    bench.inflict({ kind: 'unreadableLog', node, after: 0, forGood: false, ...SOON });
    await bench.until(() => bench.met('logUnreadable') === 1);
    await bench.level();
    expect(bench.met('stoppedByDisk')).toBe(0);
    expect(bench.met('holeFound')).toBe(0);
  });

  it('says so, and leaves its node fit to start again', async () => {
    const bench = await FaultBench.formed(1);
    await bench.write(6);
    const [machine] = bench.cluster.machines;
    machine!.kill();
    const path = (name: string): boolean => name.startsWith(`${DATABASE}/wal`);
    const fault = { operation: 'read', code: 'EIO', path, times: Number.POSITIVE_INFINITY } as const;
    const armed = machine!.disk.inject(fault);
    machine!.start();
    await bench.until(() => bench.ends.length > 0);
    expect(bench.ends).toMatchObject([{ code: 'HOLDFAST_DISK_FAILED' }]);
    machine!.kill();
    armed.clear();
    machine!.start();
    await bench.level();
    for (let at = 0; at < 6; at += 1)
      expect(await bench.cluster.clock.drive(bench.client.get(`key ${at}`))).toBe('value');
  });
});

describe('A disk that nothing can be done about', () => {
  it('keeps its node from starting if it cannot be told whose it is', async () => {
    const bench = await FaultBench.formed(3);
    const machine = bench.standby;
    machine.kill();
    machine.disk.corrupt('/data/identity.json', 0, 1);
    machine.start();
    await bench.until(() => bench.ends.length > 0);
    expect(bench.ends).toMatchObject([{ code: 'HOLDFAST_DATA_DIRECTORY_UNUSABLE' }]);
    await bench.write(2);
  });

  it('keeps a node without peers from serving what its log has lost (fault 40)', async () => {
    const bench = await FaultBench.formed(1);
    await bench.write(8);
    const [machine] = bench.cluster.machines;
    machine!.kill();
    const random = new SimRandom(1);
    const places = damageablePlaces(machine!, bench.watch, 1);
    const place = places[Math.floor(places.length / 2)]!(random);
    bench.watch.promises.damaged(machine!.id);
    machine!.disk.corrupt(place.path, place.position, 1);
    machine!.start();
    await bench.cluster.clock.advance(3000);
    const status = machine!.node!.status();
    expect(status.serving).toBe(false);
    expect(status.admitting).toBe(false);
    await expect(
      bench.cluster.clock.drive(bench.client.get('key 1', { timeoutMs: 500 })),
    ).rejects.toMatchObject({ outcome: 'not-applied' });
  });

  it('lets nobody lead who cannot know what it held, when all have lost the same (fault 40)', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(8);
    await bench.cluster.clock.advance(100);
    for (const machine of bench.cluster.machines) machine.kill();
    for (const machine of bench.cluster.machines) {
      const places = damageablePlaces(machine, bench.watch, 1);
      const { path, position } = places[Math.floor(places.length / 2)]!(new SimRandom(1));
      bench.watch.promises.damaged(machine.id);
      machine.disk.corrupt(path, position, 1);
    }
    bench.cluster.startAll();
    await bench.cluster.clock.advance(5000);
    for (const { node } of bench.cluster.machines)
      if (node!.status().serving) expect((await bench.cluster.clock.drive(node!.digest())).keys).toBe(8);
    expect(bench.watch.failure).toBeUndefined();
  });
});

describe('A node that ends while its disk may fail', () => {
  const armed = {
    kind: 'failedOperation',
    operation: 'write',
    where: 'divergence',
    isRestarted: false,
  } as const;
  const corrupt = (cause?: Error): Error =>
    new HoldfastError('HOLDFAST_CORRUPT_LOG', 'an entry is damaged', { cause });
  const failed = (cause: Error): Error => {
    const disk = new DiskError('OTHER', DATABASE, cause.message, { cause });
    return new HoldfastError('HOLDFAST_DISK_FAILED', cause.message, { cause: disk });
  };

  it.each([
    [new TypeError('undefined is not a function'), 'crash'],
    [failed(new TypeError('undefined is not a function')), 'crash'],
    [new AssertionError('a term goes back'), 'safety'],
    [new DiskError('ENOENT', DATABASE, 'there is no such file'), 'crash'],
    [new HoldfastError('HOLDFAST_INVALID_MESSAGE', 'no message'), 'crash'],
    [new Error('it stopped'), 'crash'],
    [corrupt(new TypeError('undefined is not a function')), 'crash'],
    [new HoldfastError('HOLDFAST_NOT_READY', 'the store is closed'), 'crash'],
    [new DiskError('EIO', DATABASE, 'injected'), undefined],
    [corrupt(), undefined],
    [corrupt(new HoldfastError('HOLDFAST_INVALID_MESSAGE', 'checksum')), undefined],
    [failed(new DiskError('ENOSPC', DATABASE, 'full')), undefined],
    [failed(Object.assign(new Error('checksum mismatch'), { code: 'LEVEL_CORRUPTION' })), undefined],
  ])('by %s: the failure of the run is %s', async (error, kind) => {
    const bench = await FaultBench.formed(3);
    const machine = bench.standby;
    bench.inflict({ ...armed, node: machine.id, forGood: true, forMs: 20_000, ...SOON });
    bench.world.onNodeEnded(machine.boot!, error);
    expect(bench.watch.failure?.kind).toBe(kind);
    expect(bench.met('stoppedByDisk')).toBe(kind === undefined ? 1 : 0);
  });

  it('is not excused either because its disk lacks something', async () => {
    const bench = await FaultBench.formed(3);
    await bench.write(3);
    const machine = bench.standby;
    bench.inflict({ kind: 'storeDamage', node: machine.id, seed: 1, ...SOON });
    await bench.until(() => machine.boot !== undefined);
    expect(bench.world.atlas.isImpaired(machine)).toBe(true);
    bench.world.onNodeEnded(machine.boot!, new TypeError('undefined is not a function'));
    expect(bench.watch.failure?.kind).toBe('crash');
  });
});
