import {
  type CrashOptions,
  keepMask,
  keepRandomly,
  type PendingChange,
  SECTOR_BYTES,
  type SectorTearer,
  SimDisk,
  SimRandom,
} from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { DRAWN_SEED } from '../../../test/support/drawn-seeds.ts';
import { replay } from '../src/recovery-replay.ts';
import { scanSegment } from '../src/segment-scan.ts';
import { DISK, entriesRecord, entry, hardState } from './support/entries.ts';
import { DIRECTORY, expectSound, Harness, TINY_SEGMENT } from './support/harness.ts';
import { Scenario } from './support/scenario.ts';
import { below, forSeeds, LONG_TIMEOUT_MS } from './support/seeds.ts';

/** Of the subsets of twelve sectors each is read, and one of so many opened: a group takes eight, sixteen, or more. */
const OPENED_EACH = process.env.HOLDFAST_LONG === undefined ? 8 : 1;

interface Torn {
  readonly log: Harness;
  readonly disk: SimDisk;
}

/** A log with synced groups, and its disk at the moment when one more was written but not synced. */
async function withUnsyncedGroup(
  frames: number,
  options: { bytes: number; rotated?: boolean; segmentBytes?: number },
): Promise<Torn> {
  const { rotated = false, segmentBytes = rotated ? TINY_SEGMENT : 32 * 4096 } = options;
  const log = await new Harness({ segmentBytes }).open();
  const groups = rotated ? 5 : 3;
  for (let group = 0; group < groups; group++) {
    appendOne(log, 30);
    await log.settle();
  }
  expect(log.durable).toBe(groups);
  for (let frame = 0; frame < frames; frame++) appendOne(log, options.bytes);
  const active = rotated ? '2.wal' : '1.wal';
  let disk: SimDisk | undefined;
  log.disk.onOperation = ({ kind, path }) => {
    if (kind === 'sync' && path.endsWith(active) && disk === undefined) disk = log.disk.clone();
  };
  const { durable } = log;
  await log.settle();
  expect(log.durable).toBe(log.model.ticket);
  log.durable = durable;
  return { log, disk: disk! };
}

function appendOne(log: Harness, bytes: number): void {
  const { index, term } = log.model.last;
  log.append(entriesRecord(entry({ index: index + 1, term: 1, previousTerm: term, bytes })), {
    hardState: hardState(1, 'n1'),
  });
}

function sectors(changes: readonly PendingChange[]): PendingChange[] {
  return changes.filter(({ kind, path }) => kind === 'sector' && !/([3-9]\.wal|reserve)$/.test(path));
}

async function verify(
  { log, disk }: Torn,
  keep: (pending: readonly PendingChange[]) => Iterable<PendingChange>,
  tear?: SectorTearer,
): Promise<number> {
  const chosen: CrashOptions['keep'] = (pending) => keep(sectors(pending));
  const crashed = disk.afterCrash(tear === undefined ? { keep: chosen } : { keep: chosen, tear });
  const next = await log.again(crashed);
  await expectSound(next);
  // What recovery said stays so whatever the next power cut takes.
  const later = next.disk.afterCrash({ keep: 'synced' }).snapshotState();
  const scans = [...later]
    .filter(([path]) => path.endsWith('.wal'))
    .map(([path, bytes]) => scanSegment(bytes, { disk: DISK, segment: Number(path.slice(-14, -4)), path }));
  expect(replay(scans.filter(({ usedBytes }) => usedBytes > 0)).ticket).toBe(next.recovered.ticket);
  return next.recovered.ticket;
}

describe('a torn tail', () => {
  it(
    'is cut at the first record that is not whole, for every subset of its sectors',
    async () => {
      const torn = await withUnsyncedGroup(4, { bytes: 300, segmentBytes: TINY_SEGMENT });
      // One block, sectors of padding among them.
      expect(sectors(torn.disk.pendingChanges())).toHaveLength(8);
      for (let mask = 0; mask < 2 ** 8; mask++) await verify(torn, keepMask(mask));
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'is read alike from every subset of twelve sectors',
    async () => {
      const torn = await withUnsyncedGroup(7, { bytes: 550, segmentBytes: TINY_SEGMENT });
      const { log, disk } = torn;
      const opened = below(new SimRandom(DRAWN_SEED), OPENED_EACH);
      const path = `${DIRECTORY}/0000000001.wal`;
      const before = disk.snapshotState('synced').get(path)!;
      const after = disk.snapshotState('live').get(path)!;
      const numbers = sectors(disk.pendingChanges()).flatMap((change) =>
        change.kind === 'sector' ? change.sector : [],
      );
      expect(numbers).toHaveLength(16);
      const from = { disk: DISK, segment: 1, path };
      const sound = replay([scanSegment(after, from)]);
      expect(sound.ticket).toBe(log.model.ticket);
      const cuts = new Set<number>();
      for (let mask = 0; mask < 2 ** 12; mask++) {
        const bytes = before.slice();
        for (const [bit, sector] of numbers.slice(0, 12).entries())
          if ((mask >> bit) % 2 === 1)
            bytes.set(after.subarray(sector * 512, (sector + 1) * 512), sector * 512);
        const read = replay([scanSegment(bytes, from)]);
        expect([read.damaged, read.hardStateLost, read.content.map.gaps()]).toEqual([false, false, []]);
        expect(read.ticket).toBeGreaterThanOrEqual(log.durable);
        expect(read.content.map.last.index).toBe(read.ticket);
        if (mask % OPENED_EACH === opened) expect(await verify(torn, keepMask(mask))).toBe(read.ticket);
        for (let index = 1; index <= read.ticket; index++)
          expect(read.content.map.locate(index)).toEqual(sound.content.map.locate(index));
        cuts.add(read.ticket);
      }
      expect(cuts.size).toBeGreaterThan(4);
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'is cut also where the head of its segment is part of it',
    async () => {
      const torn = await withUnsyncedGroup(2, { bytes: 120, rotated: true });
      const pending = sectors(torn.disk.pendingChanges());
      const written = pending.filter(({ path }) => path.endsWith('2.wal'));
      expect(written).toHaveLength(24);
      // Of each copy of the head two sectors matter, of the group two: every subset of these, the rest kept or not.
      const chosen = [0, 1, 8, 9, 16, 17].map((position) => written[position]!);
      for (let mask = 0; mask < 2 ** 6; mask++) {
        for (const rest of [[], written.filter((change) => !chosen.includes(change))])
          await verify(torn, (changes) => {
            const names = new Set([...keepMask(mask)(chosen), ...rest].map(nameOfChange));
            return changes.filter((change) => names.has(nameOfChange(change)));
          });
      }
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'is cut wherever a long one is torn',
    async () => {
      await forSeeds(25, 'torn-tail.test.ts', async (random) => {
        const torn = await withUnsyncedGroup(1 + below(random, 8), { bytes: 1 + below(random, 3000) });
        for (let cut = 0; cut < 3; cut++) await verify(torn, keepRandomly(random));
      });
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'is cut where sectors of it are torn, too',
    async () => {
      await forSeeds(25, 'torn-tail.test.ts', async (random) => {
        const torn = await withUnsyncedGroup(1 + below(random, 4), { bytes: 1 + below(random, 1500) });
        let cuts = 0;
        const tear: SectorTearer = () => {
          const bytes = random.next() < 0.5 ? SECTOR_BYTES : below(random, SECTOR_BYTES);
          if (bytes < SECTOR_BYTES) cuts++;
          return bytes;
        };
        for (let cut = 0; cut < 4; cut++)
          await verify(torn, cut === 0 ? (all) => all : keepRandomly(random), tear);
        expect(cuts).toBeGreaterThan(0);
      });
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'is read in order from every prefix of every file, and what is missing before the last one is told',
    async () => {
      const log = await new Harness({}).open();
      for (let frame = 0; frame < 16; frame++) {
        appendOne(log, 700);
        await log.settle();
      }
      const files = [...log.disk.snapshotState()].filter(
        ([path, bytes]) => path.endsWith('.wal') && bytes.some((byte) => byte !== 0),
      );
      expect(files.length).toBeGreaterThan(2);
      const scanOf = (path: string, bytes: Uint8Array) =>
        scanSegment(bytes, { disk: DISK, segment: Number(path.slice(-14, -4)), path });
      const scans = files.map(([path, bytes]) => scanOf(path, bytes));
      const sound = replay(scans);
      expect(sound.ticket).toBe(log.model.ticket);
      for (const [place, [path, bytes]] of files.entries()) {
        let newest = 0;
        for (const length of lengths(bytes.length)) {
          const read = replay(scans.with(place, scanOf(path, bytes.subarray(0, length))).filter(isUsed));
          const { map } = read.content;
          const found = Array.from({ length: sound.ticket }, (_, index) => map.locate(index + 1));
          for (const [before, location] of found.entries())
            if (location !== undefined) expect(location).toEqual(sound.content.map.locate(before + 1));
          const count = found.filter(isFound).length;
          expect(count).toBeGreaterThanOrEqual(newest);
          newest = count;
          if (place === files.length - 1) expect(found.slice(0, count).every(isFound)).toBe(true);
          // An empty file is as none: that its node knows more than what is left is seen by the store.
          else if (length > 0 && count < sound.ticket) expect(read.damaged || read.hardStateLost).toBe(true);
        }
        expect(newest).toBe(sound.ticket);
      }
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'is cut at every length that a file may be left with',
    async () => {
      await forSeeds(1, 'torn-tail.test.ts', async (random) => {
        const scenario = new Scenario(random);
        await scenario.run(20);
        const files = scenario.log.disk.afterCrash({ keep: 'all' }).snapshotState();
        const used = [...files].filter(
          ([path, bytes]) => path.endsWith('.wal') && bytes.some((byte) => byte !== 0),
        );
        const [path, bytes] = used.at(-1)!;
        const written = bytes.findLastIndex((byte) => byte !== 0) + 1;
        const prefixes = lengthsToTry(written, bytes.length);
        const { model, models } = scenario.log;
        let newest = -1;
        for (const prefix of prefixes) {
          const log = new Harness({
            disk: SimDisk.holding(new Map([...files, [path, bytes.slice(0, prefix)]])),
          });
          // A short file is no crash of this log, which only ever writes into files of full length: nothing is
          // promised but order, and what the lost part replaced may have gone with older segments.
          const headGone = prefix < written ? Number.POSITIVE_INFINITY : scenario.below;
          log.models = models.slice();
          await log.open();
          if (log.recovered.exclusion === 'hard-state-lost') continue;
          await expectSound(log, { below: headGone, judged: scenario.judged });
          expect(log.recovered.ticket).toBeGreaterThanOrEqual(newest);
          newest = log.recovered.ticket;
        }
        expect(newest).toBe(model.ticket);
      });
    },
    LONG_TIMEOUT_MS,
  );
});

/** Every one in the long form. */
function lengths(whole: number): number[] {
  const step = process.env.HOLDFAST_LONG === undefined ? 61 : 1;
  return [...Array.from({ length: Math.ceil(whole / step) }, (_, place) => place * step), whole];
}

function isFound(location: unknown): boolean {
  return location !== undefined;
}

function isUsed({ usedBytes }: ReturnType<typeof scanSegment>): boolean {
  return usedBytes > 0;
}

function nameOfChange(change: PendingChange): string {
  return change.kind === 'sector'
    ? `${change.path} ${change.sector} ${change.write}`
    : `${change.kind} ${change.path}`;
}

/** Every length around the end of what was written, some below it, and the whole file last. */
function lengthsToTry(written: number, whole: number): number[] {
  const coarse = Array.from({ length: Math.floor(written / 240) }, (_unused, step) => step * 240);
  const fine = Array.from({ length: 80 }, (_unused, step) => written - 60 + step);
  return [...new Set([...coarse, ...fine, whole])]
    .filter((length) => length >= 0 && length <= whole)
    .sort((one, other) => one - other);
}
