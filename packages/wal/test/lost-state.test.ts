import type { LogRecord } from '@holdfast/core';
import { keepRandomly, SimDisk, SimRandom } from '@holdfast/sim';
import type { DiskId } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { scanSegment } from '../src/segment-scan.ts';
import { DISK, entriesRecord, entry, GENESIS, position } from './support/entries.ts';
import { BLOCK, DIRECTORY, Harness, TINY_SEGMENT } from './support/harness.ts';

const PATH = `${DIRECTORY}/0000000001.wal`;

const RARE: Record<string, LogRecord> = {
  genesis: { kind: 'genesis', genesis: GENESIS },
  exclusion: { kind: 'exclusion', reason: 'disk-went-back' },
  base: { kind: 'base', position: position(9, 1), directory: 'store-1', keepTail: false },
};

/** A log with one rare record between others, idle; where the copies of that record's frame begin. */
async function logWith(
  kind: string,
): Promise<{ files: Map<string, Uint8Array>; copies: number[]; log: Harness }> {
  const log = await new Harness({ segmentBytes: 64 * BLOCK }).open();
  append(log);
  await log.settle();
  log.append(RARE[kind]!);
  await log.settle();
  append(log);
  await log.clock.advance(20);
  const files = log.disk.afterCrash({ keep: 'synced' }).snapshotState();
  const { frames } = scanSegment(files.get(PATH)!, { disk: DISK, segment: 1, path: PATH });
  const copies = frames
    .filter(({ header }) => header.kind === kind)
    .map(({ payloadOffset }) => payloadOffset);
  return { files, copies, log };
}

function append(log: Harness): void {
  const { index, term } = log.model.last;
  log.append(entriesRecord(entry({ index: index + 1, term: 1, previousTerm: term })));
}

function open(files: Map<string, Uint8Array>): Promise<Harness> {
  return new Harness({ disk: SimDisk.holding(files), segmentBytes: 64 * BLOCK }).open();
}

describe('a record that no other frame repeats', () => {
  it.each(Object.keys(RARE))('%s is whole with either copy of its frame damaged', async (kind) => {
    for (const damaged of [0, 1]) {
      const { files, copies, log } = await logWith(kind);
      expect(copies).toHaveLength(2);
      files.get(PATH)![copies[damaged]! + 3]! ^= 1;
      const { recovered } = await open(files);
      expect(recovered.holes).toEqual([]);
      expect(recovered.genesis).toEqual(log.model.genesis);
      expect(recovered.exclusion).toBe(log.model.exclusion);
      expect([recovered.base, recovered.baseDirectory]).toEqual([log.model.base, log.model.directory]);
      expect(recovered.last).toEqual(log.model.last);
    }
  });

  it.each(['genesis', 'base'])('%s lost with both copies takes the node out, for good', async (kind) => {
    const { files, copies } = await logWith(kind);
    for (const copy of copies) files.get(PATH)![copy + 3]! ^= 1;
    const first = await open(files);
    expect(first.recovered.exclusion).toBe('hard-state-lost');
    const again = await first.again(first.disk.afterCrash({ keep: 'synced' }));
    expect(again.recovered.exclusion).toBe('hard-state-lost');
  });

  it('exclusion stands in every header, whatever becomes of its own frame', async () => {
    const { files, copies } = await logWith('exclusion');
    for (const copy of copies) files.get(PATH)![copy + 3]! ^= 1;
    expect((await open(files)).recovered.exclusion).toBe('disk-went-back');
  });
});

describe('a log of which nothing is left', () => {
  const another = 'b'.repeat(32) as DiskId;

  /** How often it is asked whose the log is. */
  async function askedFor(disk: SimDisk): Promise<number> {
    let asked = 0;
    const newDiskId = async (): Promise<DiskId> => {
      asked++;
      return another;
    };
    await new Harness({ disk }).open({ newDiskId });
    return asked;
  }

  it('belongs to another disk: what was promised by its own is lost', async () => {
    const log = await new Harness().open();
    append(log);
    await log.settle();
    const disk = log.disk.afterCrash({ keep: 'synced' });
    await log.clock.drive(disk.remove(DIRECTORY));
    expect(await askedFor(disk)).toBe(1);
    const later = disk.afterCrash({ keep: 'all' });
    await expect(new Harness({ disk: later }).open()).rejects.toMatchObject({ code: 'HOLDFAST_CORRUPT_LOG' });
    await new Harness({ disk: later }).open({ diskId: another });
  });

  it('is never that of a start that came to its end, whatever a power cut takes', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const log = await new Harness().open();
      if (seed % 2 === 0) append(log);
      const random = new SimRandom(seed);
      expect(await askedFor(log.disk.afterCrash({ keep: 'synced' }))).toBe(0);
      expect(await askedFor(log.disk.afterCrash({ keep: keepRandomly(random) }))).toBe(0);
      await log.settle();
    }
  });
});

describe('an idle log', () => {
  it('is marked wherever its last group ends, so that damage to it is no torn tail', async () => {
    const groupsMax = TINY_SEGMENT / BLOCK - 3;
    for (let groups = 1; groups <= groupsMax + 1; groups++) {
      const log = await new Harness().open();
      for (let group = 0; group < groups; group++) {
        append(log);
        await log.settle();
      }
      await log.clock.advance(20);
      expect(log.clock.timerCount, 'no timer goes round and round').toBe(0);
      const files = log.disk.afterCrash({ keep: 'synced' }).snapshotState();
      const path = groups <= groupsMax ? PATH : PATH.replace('1.wal', '2.wal');
      const { frames } = scanSegment(files.get(path)!, {
        disk: DISK,
        segment: Number(path.slice(-5, -4)),
        path,
      });
      const last = frames.findLast(({ header }) => header.kind === 'entries')!;
      expect(last.header.ticket).toBe(groups);
      files.get(path)![last.payloadOffset + 40]! ^= 1;
      const { recovered } = await new Harness({ disk: SimDisk.holding(files) }).open();
      expect(recovered.holes, `${groups} groups`).toEqual([{ from: groups, to: groups }]);
      expect(recovered.last.index).toBe(groups);
    }
  });
});
