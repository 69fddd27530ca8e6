import { keepRandomly, type SimDisk, SimRandom } from '@holdfast/sim';
import { HoldfastError, type LogIndex } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { entriesRecord, entry } from './support/entries.ts';
import { BLOCK, DIRECTORY, expectSound, Harness, TINY_SEGMENT } from './support/harness.ts';
import { below, forSeeds, LONG_TIMEOUT_MS } from './support/seeds.ts';

const RESERVE = `${DIRECTORY}/reserve`;

function append(log: Harness, count: number, bytes = 20): void {
  for (let number = 0; number < count; number++) {
    const { index, term } = log.model.last;
    log.append(entriesRecord(entry({ index: index + 1, term: 1, previousTerm: term, bytes })));
  }
}

/** Fills segments one group at a time. */
async function appendGroups(log: Harness, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    append(log, 1);
    await log.settle();
  }
}

async function hasReserve(disk: SimDisk): Promise<boolean> {
  return (await disk.stat(RESERVE))?.size === TINY_SEGMENT;
}

describe('a full disk', () => {
  it('makes the reserve the next segment, waits when that is full too, and goes on when there is room', async () => {
    const log = await new Harness().open();
    await log.settle();
    expect(await hasReserve(log.disk)).toBe(true);
    log.disk.capacityBytes = 3 * TINY_SEGMENT;
    // The first segment and the one made ready take five groups each, the reserve five more.
    await appendGroups(log, 6);
    expect(log.diskFull).toEqual([true]);
    expect(await hasReserve(log.disk)).toBe(false);
    await appendGroups(log, 12);
    expect(log.durable).toBe(15);
    await log.clock.advance(10_000);
    expect(log.durable).toBe(15);
    await expectSound(await log.again(roomy(log.disk.afterCrash({ keep: 'synced' }))));
    log.disk.capacityBytes = 7 * TINY_SEGMENT;
    await log.clock.advance(1000);
    expect(log.durable).toBe(18);
    expect(log.diskFull).toEqual([true, false]);
    expect(await hasReserve(log.disk)).toBe(true);
    expect(log.failures).toEqual([]);
    await expectSound(await log.again(roomy(log.disk.afterCrash({ keep: 'synced' }))));
  });

  it('gives the room of the reserve to a write that lacks it', async () => {
    const log = await new Harness().open();
    await log.settle();
    append(log, 3);
    log.disk.inject({ operation: 'write', code: 'ENOSPC' });
    await log.settle();
    expect(log.durable).toBe(3);
    expect(log.diskFull).toEqual([true]);
    expect(await hasReserve(log.disk)).toBe(false);
    await log.clock.advance(1000);
    expect(log.diskFull).toEqual([true, false]);
    expect(await hasReserve(log.disk)).toBe(true);
    await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })));
  });

  it('may leave no room to remove anything either: what is to go does so when there is some', async () => {
    const log = await new Harness().open();
    await appendGroups(log, 12);
    const [remove, write] = (['remove', 'write'] as const).map((operation) =>
      log.disk.inject({ operation, code: 'ENOSPC', times: 1000 }),
    );
    const files = await log.disk.list(DIRECTORY);
    await log.clock.drive(log.wal.removeHead({ below: 12 as LogIndex }));
    append(log, 6);
    await log.clock.advance(2000);
    expect(log.durable).toBe(12);
    expect(await log.disk.list(DIRECTORY)).toEqual(expect.arrayContaining(files));
    write!.clear();
    remove!.clear();
    await log.clock.advance(1000);
    expect(log.durable).toBe(18);
    expect(log.diskFull).toEqual([true, false]);
    expect(await hasReserve(log.disk)).toBe(true);
    await log.clock.drive(log.wal.removeHead({ below: 13 as LogIndex }));
    expect(await log.disk.list(DIRECTORY)).not.toEqual(expect.arrayContaining(files));
    expect(log.failures).toEqual([]);
    await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })), { below: 13 });
  });

  it('may leave behind what it cut short of a new segment, which is made anew when there is room', async () => {
    const log = await new Harness().open();
    await log.settle();
    const remove = log.disk.inject({ operation: 'remove', code: 'ENOSPC', times: Number.POSITIVE_INFINITY });
    log.disk.capacityBytes = 3 * TINY_SEGMENT + BLOCK;
    await appendGroups(log, 18);
    await log.clock.advance(1000);
    expect(log.durable).toBe(15);
    log.disk.capacityBytes = 7 * TINY_SEGMENT;
    await log.clock.advance(1000);
    remove.clear();
    await log.clock.advance(1000);
    expect(log.failures).toEqual([]);
    expect(log.durable).toBe(18);
    expect(log.diskFull).toEqual([true, false]);
    await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })));
  });

  it('may be met when the name of a new segment is synced: it is made anew when there is room', async () => {
    const log = await new Harness().open();
    await log.settle();
    log.disk.inject({ operation: 'syncDirectory', code: 'ENOSPC' });
    await appendGroups(log, 6);
    expect(log.diskFull).toEqual([true]);
    await log.clock.advance(1000);
    await appendGroups(log, 6);
    expect(log.failures).toEqual([]);
    expect(log.durable).toBe(12);
    expect(log.diskFull).toEqual([true, false]);
    await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })));
  });

  it('holds a write up until there is room, and takes no torn record for whole meanwhile', async () => {
    await forSeeds(20, 'disk-full.test.ts', async (random) => {
      const log = await new Harness({ segmentBytes: 64 * BLOCK }).open();
      await log.clock.advance(10);
      append(log, 2);
      await log.settle();
      append(log, 1 + below(random, 6), 2000);
      const fault = log.disk.inject({ operation: 'write', code: 'ENOSPC', times: 1 + below(random, 5) });
      await log.settle();
      const crashed = log.disk.afterCrash({ keep: keepRandomly(random) });
      await expectSound(await log.again(crashed));
      fault.clear();
      await log.clock.advance(2000);
      expect(log.durable).toBe(log.model.ticket);
      expect(log.diskFull).toEqual([true, false]);
      await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })));
    });
  });

  it('does not keep a log from being closed', async () => {
    const log = await new Harness().open();
    await log.settle();
    log.disk.capacityBytes = 3 * TINY_SEGMENT;
    await appendGroups(log, 20);
    expect(log.durable).toBe(15);
    await log.close();
    expect(log.failures).toEqual([]);
    await expectSound(await log.again(roomy(log.disk)));
  });

  it('is no reason to lose an oversized frame', async () => {
    const log = await new Harness().open();
    await log.settle();
    log.disk.capacityBytes = 4 * TINY_SEGMENT;
    append(log, 1, 100_000);
    await log.settle();
    expect(log.durable).toBe(0);
    await log.clock.advance(1000);
    expect(log.durable).toBe(0);
    log.disk.capacityBytes = 12 * TINY_SEGMENT;
    await log.clock.advance(2000);
    expect(log.durable).toBe(1);
    expect(log.diskFull).toEqual([true, false]);
    await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })));
  });

  it('refuses to open a log, for any room there is, until there is enough', async () => {
    const log = await new Harness().open();
    await appendGroups(log, 12);
    const start = log.disk.afterCrash({ keep: 'synced' });
    const used = usedBytes(start);
    let refused = 0;
    for (let room = -2 * TINY_SEGMENT; room <= 2 * TINY_SEGMENT; room += BLOCK) {
      const disk = start.clone();
      disk.capacityBytes = used + room;
      const next = new Harness({ disk });
      next.models = log.models.slice();
      next.durable = log.durable;
      const error = await next.open().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) {
        refused++;
        expect(error).toBeInstanceOf(HoldfastError);
        expect(error).toMatchObject({ code: 'HOLDFAST_DISK_FULL', retryable: true });
        disk.capacityBytes = Number.POSITIVE_INFINITY;
        disk.crash({ keep: room % (2 * BLOCK) === 0 ? 'synced' : keepRandomly(new SimRandom(room)) });
        await next.open();
      }
      await expectSound(next);
      await next.settle();
      // Where the next segment finds no room it takes that of the reserve, and says so.
      expect(await hasReserve(disk)).toBe(next.diskFull.length === 0);
    }
    expect(refused).toBeGreaterThan(5);
    expect(refused).toBeLessThan(30);
  });

  it(
    'at any moment, and freed again, loses nothing',
    async () => {
      await forSeeds(15, 'disk-full.test.ts', async (random) => {
        const log = await new Harness().open();
        for (let round = 0; round < 8; round++) {
          log.disk.capacityBytes = usedBytes(log.disk) + below(random, 3 * TINY_SEGMENT);
          for (let group = 0; group < 6; group++) {
            append(log, 1 + below(random, 2), random.next() < 0.1 ? 40_000 : below(random, 500));
            await log.clock.advance(below(random, 2) * 300);
          }
          await expectSound(await log.again(roomy(log.disk.afterCrash({ keep: keepRandomly(random) }))));
        }
        log.disk.capacityBytes = Number.POSITIVE_INFINITY;
        await log.clock.advance(3000);
        expect(log.durable).toBe(log.model.ticket);
        expect(log.diskFull.at(-1) ?? false).toBe(false);
        expect(log.failures).toEqual([]);
        await log.close();
        await expectSound(await log.again(log.disk.afterCrash({ keep: 'synced' })));
      });
    },
    LONG_TIMEOUT_MS,
  );
});

function roomy(disk: SimDisk): SimDisk {
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  return disk;
}

function usedBytes(disk: SimDisk): number {
  let used = 0;
  for (const bytes of disk.snapshotState('live').values()) used += bytes.byteLength;
  return used;
}
