import type { SimDisk, SimRandom } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { entriesRecord, entry, hardState } from './support/entries.ts';
import { BLOCK, DIRECTORY, expectSound, Harness } from './support/harness.ts';
import { isOut } from './support/healing.ts';
import { Scenario } from './support/scenario.ts';
import { below, forSeeds, LONG_TIMEOUT_MS } from './support/seeds.ts';

interface Part {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

const FIRST = `${DIRECTORY}/0000000001.wal`;
const SECOND = `${DIRECTORY}/0000000002.wal`;
const NEVER_USED = `${DIRECTORY}/0000000003.wal`;
/** Of a segment: two heads. The first group begins behind them. */
const HEADS = 2 * BLOCK;

/**
 * Reads that touch one of `parts` fail with EIO until `mend`, but for the first `readsBefore`. A file that takes the place
 * of one of them lies elsewhere.
 */
function failing(disk: SimDisk, parts: readonly Part[], readsBefore = 0): { mend(): void } {
  let isBad = true;
  let reads = 0;
  const replaced = new Set<string>();
  const open = disk.open.bind(disk);
  const rename = disk.rename.bind(disk);
  disk.rename = (from, to) => {
    replaced.add(to);
    return rename(from, to);
  };
  disk.open = async (path, options) => {
    const file = await open(path, options);
    const read = file.read.bind(file);
    file.read = async (position, length, into) => {
      const isHit = parts.some(
        (part) => part.path === path && position < part.to && position + length > part.from,
      );
      if (isBad && isHit && !replaced.has(path) && reads++ >= readsBefore)
        disk.inject({ operation: 'read', code: 'EIO' });
      return read(position, length, into);
    };
    return file;
  };
  return {
    mend() {
      isBad = false;
    },
  };
}

/** Five groups in the first segment and three in the second, which is idle. */
async function eightGroups(): Promise<{ log: Harness; disk: SimDisk }> {
  const log = await new Harness().open();
  for (let group = 0; group < 8; group++) {
    const { index, term } = log.model.last;
    const record = entriesRecord(entry({ index: index + 1, term: 1, previousTerm: term }));
    log.append(record, { hardState: hardState(1, 'n1') });
    await log.settle();
  }
  await log.clock.advance(20);
  return { log, disk: log.disk.afterCrash({ keep: 'synced' }) };
}

describe('what the disk fails to read when the log is opened', () => {
  it.each<[string, readonly Part[]]>([
    ['all of it', [FIRST, SECOND, NEVER_USED].map((path) => ({ path, from: 0, to: Infinity }))],
    ['the last segment', [{ path: SECOND, from: 0, to: Infinity }]],
    ['the last groups', [{ path: SECOND, from: HEADS + BLOCK, to: Infinity }]],
    ['the last segment but its end', [{ path: SECOND, from: 0, to: HEADS + 4 * BLOCK }]],
    ['where a segment would go on', [{ path: NEVER_USED, from: 0, to: BLOCK }]],
  ])('is not taken for the end of it: %s', async (_name, parts) => {
    const { log, disk } = await eightGroups();
    const fault = failing(disk, parts);
    await expect(log.again(disk)).rejects.toMatchObject({ code: 'EIO' });
    fault.mend();
    const next = await log.again(disk);
    await expectSound(next);
    expect(next.recovered.ticket).toBe(8);
  });

  it('is of no account where nothing was written', async () => {
    const { log, disk } = await eightGroups();
    failing(disk, [
      { path: SECOND, from: HEADS + 5 * BLOCK, to: Infinity },
      { path: NEVER_USED, from: BLOCK, to: Infinity },
    ]);
    const next = await log.again(disk);
    await expectSound(next);
    expect(next.recovered.ticket).toBe(8);
  });

  it('is not missing in the copy, if it could be read before', async () => {
    const { log, disk } = await eightGroups();
    const fault = failing(disk, [{ path: SECOND, from: HEADS, to: HEADS + BLOCK }], 1);
    await expect(log.again(disk)).rejects.toMatchObject({ code: 'EIO' });
    fault.mend();
    const next = await log.again(disk);
    await expectSound(next);
    expect(next.recovered.ticket).toBe(8);
  });

  it(
    'loses nothing that was reported durable, wherever it lies',
    async () => {
      let failed = 0;
      await forSeeds(40, 'unreadable.test.ts', async (random) => {
        const scenario = new Scenario(random);
        await scenario.run(20 + below(random, 30));
        const disk = scenario.log.disk.afterCrash({ keep: 'synced' });
        const parts = drawParts(disk, random);
        const fault = failing(disk, parts);
        const next = new Harness({ disk, segmentBytes: scenario.log.segmentBytes });
        try {
          await next.open();
        } catch (error) {
          expect(error).toMatchObject({ code: 'EIO' });
          failed += 1;
          fault.mend();
          next.models = scenario.log.models.slice();
          next.durable = scenario.log.durable;
          await expectSound(await next.open(), { below: scenario.below, judged: scenario.judged });
          return;
        }
        if (!isOut(next)) expect(next.recovered.ticket).toBeGreaterThanOrEqual(scenario.log.durable);
      });
      expect(failed).toBeGreaterThan(0);
    },
    LONG_TIMEOUT_MS,
  );
});

/** A run of blocks, short or long, in one file of the log or in all; mostly where the log ends. */
function drawParts(disk: SimDisk, random: SimRandom): Part[] {
  const segments = [...disk.files(DIRECTORY)].filter(([path]) => path.endsWith('.wal'));
  const used = segments.filter(([, bytes]) => bytes.some((byte) => byte !== 0));
  const draw = random.next();
  const chosen =
    draw < 0.1 ? segments : draw < 0.7 ? used.slice(-1) : [segments[below(random, segments.length)]!];
  return chosen.map(([path, bytes]) => {
    const blocks = Math.ceil(bytes.length / BLOCK);
    const written = Math.ceil((bytes.findLastIndex((byte) => byte !== 0) + 1) / BLOCK);
    const from = below(random, written + 1);
    const to = random.next() < 0.5 ? from + 1 + below(random, 3) : blocks;
    return { path, from: from * BLOCK, to: to * BLOCK };
  });
}
