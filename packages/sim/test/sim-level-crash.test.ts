import type { LevelLike, LevelOperation } from '@holdfast/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepRandomly, type PendingChange, SimDisk, SimRandom, simLevels } from '../src/index.ts';

const PATH = '/store';
const WRITE_BUFFER_BYTES = 1500;

let disk: SimDisk;
let level: LevelLike;

beforeEach(async () => {
  disk = new SimDisk();
  level = await openOn(disk);
  await disk.syncDirectory('/');
});

async function openOn(target: SimDisk): Promise<LevelLike> {
  const opened = simLevels({ disk: target, writeBufferBytes: WRITE_BUFFER_BYTES })(PATH);
  await opened.open();
  return opened;
}

const put = (key: string, value = 'v'): LevelOperation => ({
  type: 'put',
  key: Buffer.from(key),
  value: Buffer.from(value),
});
const has = (opened: LevelLike, key: string): boolean => opened.getSync(Buffer.from(key)) !== undefined;
const write = (key: string, sync = false): Promise<void> =>
  level.batch([put(key, 'v'.repeat(600))], { sync });

/** The database that a power cut leaves of which these un-synced changes survive. */
async function afterCrash(keeps: (change: PendingChange) => boolean): Promise<LevelLike> {
  return openOn(disk.afterCrash({ keep: (pending) => pending.filter(keeps) }));
}

describe('A simulated LevelDB', () => {
  it('loses un-synced batches, and none that was synced', async () => {
    await write('a', true);
    await write('b');
    const left = await afterCrash(() => false);
    expect([has(left, 'a'), has(left, 'b')]).toEqual([true, false]);
  });

  it('finds a batch behind one of the same log that was lost', async () => {
    for (const key of ['a', 'b', 'c']) await write(key);
    // The block in the middle, with the end of the first record and the beginning of the second.
    const left = await afterCrash((change) => change.kind !== 'sector' || change.sector !== 1);
    expect([has(left, 'a'), has(left, 'b'), has(left, 'c')]).toEqual([false, false, true]);
  });

  it('loses an earlier batch and keeps a later synced one when the log changed between them (fault 44)', async () => {
    for (const key of ['a', 'b', 'c']) await write(key);
    // The memory is full: this one begins a new log, while the old one waits for its table.
    await write('d', true);
    await disk.syncDirectory(PATH);
    const left = await afterCrash(() => false);
    expect(['a', 'b', 'c', 'd'].map((key) => has(left, key))).toEqual([false, false, false, true]);
  });

  it('brings everything written before to stable storage by compactRange', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await write(key);
    await level.compactRange(Buffer.from('\0'), Buffer.from('\x01'));
    await write('f');
    await write('g', true);
    await disk.syncDirectory(PATH);
    const left = await afterCrash(() => false);
    expect(['a', 'b', 'c', 'd', 'e', 'g'].filter((key) => !has(left, key))).toEqual([]);
  });

  it('stays failed after a full disk until it is opened again', async () => {
    await write('a');
    disk.capacityBytes = 0;
    const large = put('b', 'v'.repeat(10_000));
    await expect(level.batch([large], { sync: false })).rejects.toThrow('No space left on device');
    disk.capacityBytes = Infinity;
    await expect(write('c')).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' });
    await level.close();
    await level.open();
    await write('d');
    expect(['a', 'd'].map((key) => has(level, key))).toEqual([true, true]);
  });

  it('tells of a failed table by the next batch, not by compactRange', async () => {
    await write('a');
    disk.inject({ operation: 'sync', code: 'EIO', path: (path) => path.endsWith('.ldb') });
    await level.compactRange(Buffer.from('\0'), Buffer.from('\x01'));
    await expect(write('b', true)).rejects.toThrow('Input/output error');
  });

  it('is damaged, not empty, without a table that its manifest names', async () => {
    await write('a');
    await level.compactRange(Buffer.from('\0'), Buffer.from('\x01'));
    const names = await disk.list(PATH);
    await disk.remove(`${PATH}/${names.find((name) => name.endsWith('.ldb'))}`);
    await level.close();
    const opening = openOn(disk).catch((error: Error) => error.cause);
    await expect(opening).resolves.toMatchObject({ code: 'LEVEL_CORRUPTION' });
  });
});

describe('A damaged manifest', () => {
  const manifestOf = (): string => [...disk.files(PATH).keys()].find((path) => path.includes('/MANIFEST-'))!;

  it('is refused, wherever a bit of it has flipped, as LevelDB does', async () => {
    await write('a');
    await level.compactRange(Buffer.from([0]), Buffer.from([1]));
    await level.close();
    const path = manifestOf();
    const bytes = disk.files(PATH).get(path)!;
    for (let position = 0; position < bytes.length; position += 1) {
      const copy = disk.afterCrash({ keep: 'all' });
      copy.corrupt(path, position, 1);
      const opening = openOn(copy).catch((error: Error) => error.cause);
      await expect(opening).resolves.toMatchObject({ code: 'LEVEL_CORRUPTION' });
    }
  });

  it('is none where its end was torn off: what was synced before stands', async () => {
    await write('a', true);
    await write('b', true);
    const left = await afterCrash(
      (change) => change.kind !== 'sector' || !change.path.includes('/MANIFEST-'),
    );
    expect([has(left, 'a'), has(left, 'b')]).toEqual([true, true]);
  });
});

describe('At every step of a run', () => {
  const SEEDS = 25;

  interface Promised {
    /** Synced batches, which every crash from now on leaves. */
    readonly synced: Set<string>;
    /** Covered by a compaction and a synced batch after it. */
    readonly covered: Set<string>;
  }

  it('a crash keeps what was promised, and each batch whole or not at all', async () => {
    let earlierLost = 0;
    for (let seed = 1; seed <= SEEDS; seed++) earlierLost += await run(seed);
    expect(earlierLost, 'crashes that lost a batch and kept a later one').toBeGreaterThan(20);
  });

  async function run(seed: number): Promise<number> {
    const random = new SimRandom(seed);
    const promised: Promised = { synced: new Set(), covered: new Set() };
    const crashes: { left: SimDisk; due: string[]; asked: number }[] = [];
    let asked = 0;
    disk = new SimDisk();
    level = await openOn(disk);
    await disk.syncDirectory('/');
    await disk.syncDirectory(PATH);
    disk.onOperation = () => {
      if (random.next() > 0.15) return;
      const due = [...promised.synced, ...promised.covered];
      crashes.push({ left: disk.afterCrash({ keep: keepRandomly(random) }), due, asked });
    };
    for (let batch = 1; batch <= 40; batch++) {
      asked = batch;
      const sync = random.next() < 0.2;
      const operations = [put(`${batch}/1`), put(`${batch}/2`, 'v'.repeat(random.next() * 700))];
      await level.batch(operations, { sync });
      if (!sync && random.next() < 0.15) await compact(batch, promised);
      if (!sync) continue;
      await disk.syncDirectory(PATH);
      promised.synced.add(`${batch}`);
    }
    let earlierLost = 0;
    for (const { left, due, asked: last } of crashes) {
      const found = await openOn(left);
      const batches = Array.from({ length: last }, (_, place) => `${place + 1}`);
      for (const batch of batches)
        expect(has(found, `${batch}/1`), `seed ${seed}: half of ${batch}`).toBe(has(found, `${batch}/2`));
      for (const batch of due)
        expect(has(found, `${batch}/1`), `seed ${seed}: ${batch} of ${last}`).toBe(true);
      const missing = batches.findIndex((batch) => !has(found, `${batch}/1`));
      if (missing >= 0 && batches.slice(missing).some((batch) => has(found, `${batch}/1`))) earlierLost++;
    }
    return earlierLost;
  }

  /** As the store takes a checkpoint. */
  async function compact(last: number, { covered }: Promised): Promise<void> {
    await level.compactRange(Buffer.from('\0'), Buffer.from('\x01'));
    await level.batch([put(`mark ${last}`)], { sync: true });
    await disk.syncDirectory(PATH);
    for (let batch = 1; batch <= last; batch++) covered.add(`${batch}`);
  }
});
