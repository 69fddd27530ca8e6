import { keepRandomly, SimDisk, type SimRandom } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { type Replay, replay } from '../src/recovery-replay.ts';
import { type SegmentScan, scanSegment } from '../src/segment-scan.ts';
import { DISK, entriesRecord, entry } from './support/entries.ts';
import { BLOCK, DIRECTORY, Harness } from './support/harness.ts';
import { expectHealed, expectHonest, heal, isOut } from './support/healing.ts';
import type { ModelLog } from './support/model-log.ts';
import { Scenario } from './support/scenario.ts';
import { below, forSeeds, LONG_TIMEOUT_MS } from './support/seeds.ts';

type Files = Map<string, Uint8Array>;

/** A log that went idle: everything in it was synced, and a mark says so. */
async function markedLog(
  random: SimRandom,
  actions: number,
): Promise<{ files: Files; model: ModelLog; models: readonly ModelLog[] }> {
  const scenario = new Scenario(random);
  await scenario.run(actions);
  await scenario.log.clock.advance(20);
  const { disk, model, models } = scenario.log;
  return { files: disk.afterCrash({ keep: 'synced' }).snapshotState(), model, models };
}

function segmentsOf(files: Files): { path: string; segment: number; bytes: Uint8Array }[] {
  return [...files]
    .filter(([path]) => path.endsWith('.wal'))
    .map(([path, bytes]) => ({ path, segment: Number(path.slice(DIRECTORY.length + 1, -4)), bytes }));
}

function scanFile(file: { path: string; segment: number; bytes: Uint8Array }): SegmentScan {
  return scanSegment(file.bytes, { disk: DISK, segment: file.segment, path: file.path });
}

function copyOf(files: Files): Files {
  return new Map([...files].map(([path, bytes]) => [path, bytes.slice()]));
}

async function openOn(files: Files): Promise<Harness> {
  return new Harness({ disk: SimDisk.holding(files) }).open();
}

/** Different kinds of damage, each somewhere in what was written. */
const DAMAGES: Record<string, (files: Files, random: SimRandom) => void> = {
  flippedByte(files, random) {
    const { bytes, used } = usedFile(files, random);
    bytes[below(random, used)]! ^= 1 + below(random, 255);
  },
  lostSector(files, random) {
    const { bytes, used } = usedFile(files, random);
    const start = Math.floor(below(random, used) / 512) * 512;
    bytes.fill(0, start, start + 512);
  },
  garbledBlocks(files, random) {
    const { bytes, used } = usedFile(files, random);
    const start = Math.floor(below(random, used) / BLOCK) * BLOCK;
    bytes.set(random.bytes(Math.min(BLOCK * (1 + below(random, 3)), bytes.length - start)), start);
  },
  misdirectedWrite(files, random) {
    const one = usedFile(files, random);
    const other = usedFile(files, random);
    const from = Math.floor(below(random, one.used) / BLOCK) * BLOCK;
    const to = Math.floor(below(random, other.used) / BLOCK) * BLOCK;
    other.bytes.set(one.bytes.slice(from, from + BLOCK), to);
  },
  twoPlaces(files, random) {
    DAMAGES.flippedByte!(files, random);
    DAMAGES.lostSector!(files, random);
  },
  lostFile(files, random) {
    const used = segmentsOf(files).filter((file) => scanFile(file).usedBytes > 0);
    // Neither the first, which nothing has to be before, nor the last, which nothing is behind.
    if (used.length > 2) files.delete(used[1 + below(random, used.length - 2)]!.path);
  },
};

function usedFile(files: Files, random: SimRandom): { bytes: Uint8Array; used: number } {
  const used = segmentsOf(files)
    .map((file) => ({ bytes: file.bytes, used: scanFile(file).usedBytes }))
    .filter((file) => file.used > 0);
  return used[below(random, used.length)]!;
}

/** What is the same however much of its entries a log has lost. */
function factsOf({ ticket, hardStateLost, state, content }: Replay): string {
  return JSON.stringify([ticket, hardStateLost, state, content.map.last]);
}

/** Each of the eight bits alone, and two other changes. */
function masks(random: SimRandom): number[] {
  const bits = Array.from({ length: 8 }, (_unused, bit) => 2 ** bit);
  return [...bits, 1 + below(random, 255), 1 + below(random, 255)];
}

/** By anything that can still be read. */
function provablySynced(files: Files): number {
  const scans = segmentsOf(files).map(scanFile);
  const stated = scans.flatMap(({ head, frames }) => [
    (head?.firstTicket ?? 1) - 1,
    ...frames.map(({ header }) => header.synced),
  ]);
  return Math.max(0, ...stated);
}

describe('damage', () => {
  it.each(Object.keys(DAMAGES))(
    '%s is found, reported and healed',
    async (kind) => {
      await forSeeds(2, 'damage.test.ts', async (random) => {
        const { files, models } = await markedLog(random, 30 + below(random, 30));
        for (let place = 0; place < 4; place++) {
          const damaged = copyOf(files);
          DAMAGES[kind]!(damaged, random);
          const provable = provablySynced(damaged);
          const log = await openOn(damaged);
          if (log.recovered.holes.length > 0) expect(log.damaged).toBe(true);
          if (isOut(log)) continue;
          // Damage to the last group write and to the marks behind it looks like a torn tail.
          expect(log.recovered.ticket).toBeGreaterThanOrEqual(provable);
          const model = models[log.recovered.ticket]!;
          await expectHonest(log, model);
          // What is not healed stays reported.
          const again = await log.again(log.disk.afterCrash({ keep: 'synced' }));
          expect(again.recovered.holes).toEqual(log.recovered.holes);
          await expectHonest(again, model);
          await heal(again, model);
          await expectHealed(await again.again(again.disk.afterCrash({ keep: 'synced' })), model);
        }
      });
    },
    LONG_TIMEOUT_MS,
  );

  it('a sound log is not called damaged, idle or killed at any moment', async () => {
    await forSeeds(2, 'damage.test.ts', async (random) => {
      const { files } = await markedLog(random, 30 + below(random, 30));
      expect((await openOn(files)).damaged).toBe(false);
      const scenario = new Scenario(random);
      await scenario.run(30 + below(random, 30));
      const { log } = scenario;
      expect((await log.again(log.disk.afterCrash({ keep: keepRandomly(random) }))).damaged).toBe(false);
    });
  });

  it('healed once stays healed, whatever entry once stood behind the end', async () => {
    const log = await new Harness({ segmentBytes: 64 * BLOCK }).open();
    const appended = [
      entry({ index: 1, term: 1, previousTerm: 0 }),
      entry({ index: 2, term: 1, previousTerm: 1 }),
      entry({ index: 3, term: 1, previousTerm: 1 }),
      entry({ index: 2, term: 2, previousTerm: 1 }),
    ];
    for (const one of appended) {
      log.append(entriesRecord(one));
      await log.settle();
    }
    await log.clock.advance(20);
    const damaged = copyOf(log.disk.afterCrash({ keep: 'synced' }).snapshotState());
    // Number 3 finds nothing before it and number 2 of term 2, which cut it off, is not read either.
    for (const file of segmentsOf(damaged))
      for (const { header, payloadOffset } of scanFile(file).frames)
        if (header.kind === 'entries' && [2, 4].includes(header.ticket)) file.bytes[payloadOffset]! ^= 0x10;
    const found = await openOn(damaged);
    expect(found.recovered.holes).toEqual([{ from: 2, to: 2 }]);
    await heal(found, log.model);
    await expectHealed(await found.again(found.disk.afterCrash({ keep: 'synced' })), log.model);
  });

  it.each([
    // Every byte by every mask, and one of many segments here and there.
    { actions: 3, checks: Number.POSITIVE_INFINITY },
    { actions: 25, checks: 1200 },
  ])(
    'of any byte is found and takes no more than its frame ($actions actions)',
    async ({ actions, checks }) => {
      await forSeeds(1, 'damage.test.ts', async (random) => {
        const { files, model } = await markedLog(random, actions);
        const segments = segmentsOf(files);
        const scans = segments.map(scanFile);
        const used = scans.filter(({ usedBytes }) => usedBytes > 0);
        const sound = replay(used);
        expect([sound.ticket, sound.damaged, sound.hardStateLost]).toEqual([model.ticket, false, false]);
        // Zeros after zeros are padding, and as good as their neighbours.
        const places = segments.flatMap(({ bytes }, number) =>
          Array.from({ length: scans[number]!.usedBytes }, (_unused, position) => ({
            number,
            position,
          })).filter(
            ({ position }) => bytes[position] !== 0 || position % 512 === 0 || bytes[position - 1] !== 0,
          ),
        );
        const flips = places.flatMap((place) => masks(random).map((mask) => ({ ...place, mask })));
        const stride = process.env.HOLDFAST_LONG === undefined ? Math.ceil(flips.length / checks) || 1 : 1;
        for (let at = below(random, stride); at < flips.length; at += stride) {
          const { number, position, mask } = flips[at]!;
          const file = segments[number]!;
          file.bytes[position]! ^= mask;
          const read = replay(used.map((scan, at) => (at === number ? scanFile(file) : scan)));
          file.bytes[position]! ^= mask;
          expect(factsOf(read), `byte ${position} by ${mask}`).toBe(factsOf(sound));
          const lost = read.content.map.gaps().length;
          if (lost > 0) expect(read.damaged).toBe(true);
          for (let index = sound.content.map.first; index <= model.last.index; index++) {
            if (read.damaged && !read.content.map.holds(index)) continue;
            if (read.damaged && lost > 0 && index < read.content.map.gaps().at(-1)!.to) continue;
            expect(read.content.map.locate(index)).toEqual(sound.content.map.locate(index));
          }
        }
      });
    },
    LONG_TIMEOUT_MS,
  );
});
