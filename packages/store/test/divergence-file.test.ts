import { SimDisk } from '@holdfast/sim';
import type { Entry, LogIndex } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DivergenceFile } from '../src/index.ts';
import { plan, runs } from './support/arbitraries.ts';
import { logOf, type PlannedEntry } from './support/replica.ts';

const PATH = '/data/divergence.log';
const PLAN: readonly PlannedEntry[] = [
  { kind: 'open' },
  {
    kind: 'write',
    session: 0,
    writes: [
      [
        { key: 'a', value: 'one' },
        { key: 'b', value: 'two' },
      ],
      [{ key: 'a' }],
      [],
    ],
  },
  { kind: 'write', session: 0, writes: [[]] },
  { kind: 'write', session: 0, writes: [[{ key: 'c', value: 'x'.repeat(3000) }]] },
  { kind: 'write', session: 0, writes: [[{ key: 'd', value: 'four' }]] },
];

function newDisk(): SimDisk {
  return SimDisk.holding(new Map([['/data/', new Uint8Array(0)]]));
}

function open(disk: SimDisk): Promise<DivergenceFile> {
  return DivergenceFile.open({ disk, path: PATH });
}

function ids(file: DivergenceFile): string[] {
  return file.list().map(({ id }) => id);
}

/** Every mutation of an entry with its revision, read off the entry itself. */
function mutationsOf(entry: Entry): string[] {
  if (entry.body.kind !== 'requests') return [];
  const found = entry.body.requests.flatMap((request) => (request.kind === 'write' ? request.mutations : []));
  return found.map((mutation, place) =>
    describeMutation({ ...mutation, revision: entry.firstRevision + place }),
  );
}

function describeMutation(mutation: {
  kind: string;
  key: Uint8Array;
  value?: Uint8Array;
  revision: number;
}): string {
  const value = mutation.kind === 'put' ? Buffer.from(mutation.value!).toString() : 'deleted';
  return `${mutation.revision} ${Buffer.from(mutation.key).toString()} ${value}`;
}

async function expectFiled(file: DivergenceFile, entries: readonly Entry[]): Promise<void> {
  const lost = entries.filter((entry) => mutationsOf(entry).length > 0);
  expect(ids(file)).toEqual(lost.map((entry) => `default.${entry.index}.${entry.term}`));
  for (const entry of lost) {
    const shown = await file.show(`default.${entry.index}.${entry.term}`);
    expect(shown?.writes.flatMap(({ mutations }) => mutations.map(describeMutation))).toEqual(
      mutationsOf(entry),
    );
    expect(shown).toMatchObject({
      database: 'default',
      index: entry.index,
      term: entry.term,
      logTime: entry.logTime,
    });
  }
}

function large(from: number, count: number): Entry[] {
  const [entry] = logOf([
    { kind: 'write', session: 0, writes: [[{ key: 'key', value: 'z'.repeat(3000) }]] },
  ]).slice(1);
  return Array.from({ length: count }, (_, place) => ({ ...entry!, index: (from + place) as LogIndex }));
}

function idOf({ index, term }: Entry): string {
  return `default.${index}.${term}`;
}

describe('what is filed', () => {
  test('is listed and shown, deletes and revisions included, after restarts too', async () => {
    await fc.assert(
      fc.asyncProperty(plan, fc.integer({ min: 1, max: 5 }), async (planned, size) => {
        const disk = newDisk();
        const log = logOf(planned);
        for (let from = 0; from < log.length; from += size) {
          const file = await open(disk);
          await file.file('default', log.slice(from, from + size), false);
          await expectFiled(file, log.slice(0, from + size));
          await file.close();
        }
        disk.crash({ keep: 'synced' });
        const file = await open(disk);
        await expectFiled(file, log);
        expect(file.damage).toEqual([]);
      }),
      runs(100),
    );
  });

  test('says what was asked, by whom, and what the entry came to', async () => {
    const file = await open(newDisk());
    const [, , entry] = logOf(PLAN);
    await file.file('default', [entry!], true);
    expect(file.list()).toEqual([
      {
        id: 'default.3.1',
        database: 'default',
        index: 3,
        term: 1,
        logTime: entry!.logTime,
        undecided: true,
        writeCount: 2,
        mutationCount: 3,
        bytes: 9,
        asked: { local: 2, quorum: 0, all: 0 },
      },
    ]);
    const shown = await file.show('default.3.1');
    expect(
      shown?.writes.map(({ session, sequence, ack, result }) => ({ session, sequence, ack, result })),
    ).toEqual([
      {
        session: '1.2.0',
        sequence: 1,
        ack: 'local',
        result: { kind: 'written', revision: entry!.firstRevision + 1 },
      },
      {
        session: '1.2.0',
        sequence: 2,
        ack: 'local',
        result: { kind: 'written', revision: entry!.firstRevision + 2 },
      },
    ]);
  });

  test('counts once per database, index and term', async () => {
    const disk = newDisk();
    const file = await open(disk);
    const log = logOf(PLAN);
    await Promise.all([file.file('default', log, false), file.file('default', log, false)]);
    await file.file('default', [log[2]!, log[2]!], true);
    const other = { ...log[2]!, term: (log[2]!.term + 1) as Entry['term'] };
    await file.file('default', [other], false);
    await file.file('other', [log[2]!], false);
    expect(ids(file)).toEqual(['default.3.1', 'default.5.1', 'default.6.1', 'default.3.2', 'other.3.1']);
    expect(ids(await open(disk))).toEqual(ids(file));
  });

  test('is discarded for good, and not filed again', async () => {
    const disk = newDisk();
    const file = await open(disk);
    const log = logOf(PLAN);
    await file.file('default', log, false);
    expect(await file.discard('default.5.1')).toBe(true);
    expect(await file.discard('default.5.1')).toBe(false);
    expect(await file.discard('default.99.1')).toBe(false);
    disk.crash({ keep: 'synced' });
    const again = await open(disk);
    await again.file('default', log, false);
    expect(ids(again)).toEqual(['default.3.1', 'default.6.1']);
    expect(await again.show('default.5.1')).toBeUndefined();
  });
});

describe('a file that is mostly of no use', () => {
  const LIMITS = { wasteBytesMin: 20_000, discardedMax: 8 };
  const KEPT = 3;

  function openSmall(disk: SimDisk): Promise<DivergenceFile> {
    return DivergenceFile.open({ disk, path: PATH, limits: LIMITS });
  }

  async function sizeOf(disk: SimDisk): Promise<number> {
    return (await disk.stat(PATH))!.size;
  }

  test('is written anew with what is listed, and never grows beyond that for long', async () => {
    const disk = newDisk();
    let file = await openSmall(disk);
    const kept = large(1, KEPT);
    await file.file('default', kept, false);
    for (let round = 1; round <= 30; round += 1) {
      const entries = large(100 * round, 2);
      await file.file('default', entries, false);
      for (const entry of entries) expect(await file.discard(idOf(entry))).toBe(true);
      await file.file('default', entries, false);
      expect(ids(file)).toEqual(kept.map(idOf));
      expect(await sizeOf(disk)).toBeLessThan(2 * (KEPT * 3500 + LIMITS.wasteBytesMin));
      if (round % 7 !== 0) continue;
      disk.crash({ keep: 'synced' });
      file = await openSmall(disk);
    }
    await expectFiled(file, kept);
    // Not for ever: only the newest of those discarded are known.
    await file.file('default', [...large(3000, 2), ...large(100, 2)], false);
    expect(ids(file)).toEqual([...kept, ...large(100, 2)].map(idOf));
  });

  test('loses nothing to a crash at any step of that, whatever un-synced sectors are lost', async () => {
    const disk = newDisk();
    const file = await openSmall(disk);
    const entries = large(1, 12);
    await file.file('default', entries, false);
    const states: { disk: SimDisk; listed: string[] }[] = [];
    disk.onOperation = () => states.push({ disk: disk.clone(), listed: ids(file) });
    const before = await sizeOf(disk);
    while ((await sizeOf(disk)) >= before) await file.discard(ids(file)[0]!);
    disk.onOperation = undefined;
    const listed = ids(file);
    expect(listed.length).toBeGreaterThan(KEPT);
    for (const state of states) {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), async (kept) => {
          const crashed = state.disk.afterCrash({
            keep: (pending) => pending.filter((_, place) => kept[place] === true),
          });
          const again = await openSmall(crashed);
          const found = ids(again);
          expect(again.damage).toEqual([]);
          // The discarding under way may have reached the disk or not.
          expect([state.listed, state.listed.slice(1)]).toContainEqual(found);
          for (const id of found) expect(await again.show(id)).toBeDefined();
          await again.file('default', entries, false);
          expect(ids(again)).toEqual(found);
          while (ids(again).length > 0) await again.discard(ids(again)[0]!);
        }),
        runs(5),
      );
    }
  });

  test('stays as it is while there is no room for another, or where a part of it is damaged', async () => {
    const disk = newDisk();
    const file = await openSmall(disk);
    const entries = large(1, 12);
    await file.file('default', entries, false);
    disk.capacityBytes = (await sizeOf(disk)) + 6000;
    for (const entry of entries.slice(0, 10)) await file.discard(idOf(entry));
    await expectFiled(file, entries.slice(10));
    expect(await sizeOf(disk)).toBeGreaterThan(12 * 3000);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    disk.corrupt(PATH, 60, 1);
    const damaged = await openSmall(disk);
    await damaged.discard(idOf(entries[10]!));
    await expectFiled(damaged, entries.slice(11));
    expect(await sizeOf(disk)).toBeGreaterThan(12 * 3000);
    expect((await openSmall(disk)).damage).toHaveLength(1);
  });
});

describe('a crash', () => {
  test('at any step, losing any un-synced sectors, leaves all that was promised and nothing half', async () => {
    const log = logOf(PLAN);
    const groups = [log.slice(0, 3), log.slice(3)];
    for (const step of await crashStates(groups)) {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), async (kept) => {
          const disk = step.disk.afterCrash({
            keep: (pending) => pending.filter((_, place) => kept[place] === true),
          });
          const file = await open(disk);
          const found = ids(file);
          expect(found.slice(0, step.promised.length)).toEqual(step.promised);
          expect(file.damage).toEqual([]);
          for (const id of found) expect(await file.show(id)).toBeDefined();
          // Filing it again, as the node does, makes up for what was lost; another crash changes nothing.
          await file.file('default', log, false);
          disk.crash({ keep: 'synced' });
          const again = await open(disk);
          await expectFiled(again, log);
          expect(again.damage).toEqual([]);
        }),
        runs(25),
      );
    }
  });

  test('leaves no byte of a group that was cut off: the next one stands in its place', async () => {
    const log = logOf(PLAN);
    const disk = newDisk();
    const file = await open(disk);
    await file.file('default', log.slice(0, 3), false);
    const { size } = (await disk.stat(PATH))!;
    disk.onOperation = (operation) => {
      if (operation.kind === 'sync') throw new Error('the program ends here');
    };
    await expect(file.file('default', log, false)).rejects.toThrow('ends here');
    disk.onOperation = undefined;
    // The first sector of the group is lost, the others are kept.
    const first = disk.pendingChanges().findIndex((change) => change.kind === 'sector');
    disk.crash({ keep: (pending) => pending.toSpliced(first, 1) });
    expect((await disk.stat(PATH))!.size).toBeGreaterThan(size + 3000);
    expect(ids(await open(disk))).toEqual(['default.3.1']);
    expect((await disk.stat(PATH))!.size).toBe(size);
  });

  interface CrashState {
    readonly disk: SimDisk;
    /** Ids whose filing had resolved. */
    readonly promised: readonly string[];
  }

  async function crashStates(groups: readonly (readonly Entry[])[]): Promise<CrashState[]> {
    const disk = newDisk();
    const states: CrashState[] = [];
    let promised: string[] = [];
    disk.onOperation = () => states.push({ disk: disk.clone(), promised });
    const file = await open(disk);
    for (const group of groups) {
      await file.file('default', group, false);
      promised = ids(file);
    }
    states.push({ disk: disk.clone(), promised });
    disk.onOperation = undefined;
    return states;
  }
});

describe('damage', () => {
  test('below what was promised is told and stepped over, whichever byte it hits', async () => {
    const disk = newDisk();
    const log = logOf(PLAN);
    const file = await open(disk);
    await file.file('default', log.slice(0, 3), false);
    await file.file('default', log.slice(3, 5), false);
    const promisedBytes = (await disk.stat(PATH))!.size;
    await file.file('default', log.slice(5), false);
    await file.close();
    disk.crash({ keep: 'synced' });
    for (let position = 0; position < promisedBytes; position += position < 400 ? 1 : 97) {
      const damaged = disk.clone();
      damaged.corrupt(PATH, position, 0x40);
      const found = await open(damaged);
      expect(ids(found)).toHaveLength(2);
      expect(ids(found)).toContain('default.6.1');
      expect(found.damage).toHaveLength(1);
      const { from, to } = found.damage[0]!;
      expect(from <= position && position < to).toBe(true);
      // What was lost can be filed again, behind the rest.
      await found.file('default', log, false);
      expect(ids(await open(damaged))).toHaveLength(3);
    }
  });

  test('of a block that the disk cannot read loses what lies there, and no start', async () => {
    const disk = newDisk();
    const unreadable = blocksThatCannotBeRead(disk);
    const entries = large(1, 6);
    const file = await open(disk);
    await file.file('default', entries.slice(0, 5), false);
    await file.file('default', entries.slice(5), false);
    // The second and the third lie in it.
    unreadable.add(1);
    await expect(file.show(idOf(entries[1]!))).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
    await file.close();
    const found = await open(disk);
    await expectFiled(found, entries.toSpliced(1, 2));
    expect(found.damage).toHaveLength(1);
    await found.file('default', entries, false);
    expect(ids(found)).toHaveLength(6);
  });

  test('is not made of what the disk fails to read for a while, wherever it lies', async () => {
    const entries = large(1, 6);
    for (const blocks of [[0], [1, 2], [3], [0, 1, 2, 3, 4]]) {
      const disk = newDisk();
      const unreadable = blocksThatCannotBeRead(disk);
      const file = await open(disk);
      await file.file('default', entries.slice(0, 3), false);
      await file.file('default', entries.slice(3, 5), false);
      await file.close();
      for (const block of blocks) unreadable.add(block);
      const meanwhile = await open(disk);
      expect(meanwhile.damage).not.toHaveLength(0);
      unreadable.clear();
      await meanwhile.file('default', entries.slice(5), false);
      await meanwhile.close();
      const after = await open(disk);
      await expectFiled(after, entries);
      await after.close();
    }
  });

  test('met after the file was opened is an error, not a wrong answer', async () => {
    const disk = newDisk();
    const file = await open(disk);
    await file.file('default', logOf(PLAN), false);
    disk.corrupt(PATH, 60, 1);
    await expect(file.show('default.3.1')).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
    expect(await file.show('default.6.1')).toBeDefined();
  });
});

/** Numbers of the blocks of 4096 bytes of the file that fail with EIO when they are read. */
function blocksThatCannotBeRead(disk: SimDisk): Set<number> {
  const blocks = new Set<number>();
  const open = disk.open.bind(disk);
  disk.open = async (path, options) => {
    const file = await open(path, options);
    const read = file.read.bind(file);
    file.read = (position, length) => {
      const isHit = (block: number): boolean =>
        position < (block + 1) * 4096 && position + length > block * 4096;
      if (path === PATH && [...blocks].some(isHit)) disk.inject({ operation: 'read', code: 'EIO' });
      return read(position, length);
    };
    return file;
  };
  return blocks;
}
