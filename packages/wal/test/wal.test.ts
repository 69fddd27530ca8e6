import type { SimDisk } from '@holdfast/sim';
import type { LogIndex } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { Wal } from '../src/index.ts';
import { DISK, entriesRecord, entry, GENESIS, hardState, nameOf, position } from './support/entries.ts';
import { BLOCK, DIRECTORY, expectSound, Harness, TINY_SEGMENT } from './support/harness.ts';

function appendEntries(log: Harness, count: number, options: { bytes?: number; term?: number } = {}): void {
  for (let number = 0; number < count; number++) {
    const { index, term } = log.model.last;
    const next = options.term ?? (term || 1);
    log.append(
      entriesRecord(entry({ index: index + 1, term: next, previousTerm: term, bytes: options.bytes ?? 20 })),
      { hardState: hardState(Math.max(next, log.model.hardState.term)) },
    );
  }
}

describe('a log', () => {
  it('tells its base to who has no room to open it, unless damage may hide a later one', async () => {
    const log = await new Harness().open();
    const based = (disk: SimDisk): Promise<unknown> =>
      log.clock.drive(Wal.readBase({ disk, directory: DIRECTORY, diskId: DISK }));
    await log.clock.advance(10);
    expect(await based(log.disk.afterCrash({ keep: 'synced' }))).toEqual({ position: position(0, 0) });
    appendEntries(log, 3, { term: 1 });
    log.append({ kind: 'base', position: position(9, 2), directory: 'store-2', keepTail: false });
    await log.clock.advance(10);
    appendEntries(log, 3, { term: 2 });
    await log.clock.advance(10);
    const disk = log.disk.afterCrash({ keep: 'synced' });
    expect(await based(disk)).toEqual({ position: position(9, 2), directory: 'store-2' });
    const segment = `${DIRECTORY}/0000000001.wal`;
    const file = await log.clock.drive(disk.open(segment, {}));
    const bytes = await log.clock.drive(file.read(0, await log.clock.drive(file.size())));
    // There are two copies of what is rare.
    const places = Array.from(
      Buffer.from(bytes)
        .toString('latin1')
        .matchAll(/store-2/g),
      ({ index }) => index,
    );
    expect(places.length).toBeGreaterThan(0);
    for (const place of places) await log.clock.drive(file.write(place, Buffer.from('x')));
    expect(await based(disk)).toBeUndefined();
  });

  it('begins empty', async () => {
    const log = await new Harness().open();
    expect(log.recovered).toEqual({
      hardState: { term: 0 },
      commitFloor: 0,
      ticket: 0,
      base: position(0, 0),
      first: 1,
      last: position(0, 0),
      lastRevision: 0,
      lastLogTime: 0,
      termRuns: [],
      superseded: [],
      holes: [],
    });
  });

  it('gives back after a clean stop what was appended', async () => {
    const log = await new Harness().open();
    log.append({ kind: 'genesis', genesis: GENESIS });
    log.append(entriesRecord(), { hardState: hardState(3, 'n2') });
    appendEntries(log, 30, { term: 3 });
    await log.close();
    expect(log.durable).toBe(32);
    const next = await log.again();
    await expectSound(next);
    expect(next.recovered.ticket).toBe(32);
    appendEntries(next, 5);
    await next.settle();
    expect(next.durable).toBe(37);
    await expectSound(await next.again());
  });

  it('writes all that waits at once and reports it once', async () => {
    const log = await new Harness({ segmentBytes: 64 * BLOCK }).open();
    const before = log.wal.stats.syncs;
    appendEntries(log, 20);
    await log.settle();
    expect(log.durableCalls).toEqual([20]);
    expect(log.wal.stats.syncs - before).toBe(1);
    expect(log.wal.stats.frames).toBe(20);
  });

  it('tells how much of its files is used up: whole blocks, however little is in them', async () => {
    const log = await new Harness().open();
    for (let count = 1; count <= 30; count++) {
      appendEntries(log, 1);
      await log.settle();
      const left = log.wal.stats.bytes - log.wal.usedBytes;
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left).toBeLessThanOrEqual(TINY_SEGMENT);
      expect(log.wal.usedBytes).toBeGreaterThanOrEqual(count * BLOCK);
    }
    expect(log.wal.stats.segments).toBeGreaterThan(3);
  });

  it('writes what comes just when a sync has ended at once, and not when it is idle', async () => {
    for (let moments = 0; moments < 8; moments++) {
      const log = new Harness();
      const appendLater = async (): Promise<void> => {
        for (let moment = 0; moment < moments; moment++) await undefined;
        appendEntries(log, 1);
      };
      await log.open({
        onDurable: (ticket) => {
          log.durable = ticket;
          if (ticket === 1) void appendLater();
        },
      });
      appendEntries(log, 1);
      await log.settle();
      expect(log.durable, `${moments} microtasks after the sync`).toBe(2);
    }
  });

  it('states the last sync when idle for 10 ms, once', async () => {
    const log = await new Harness().open();
    appendEntries(log, 1);
    await log.clock.advance(9);
    const { syncs } = log.wal.stats;
    await log.clock.advance(1);
    expect(log.wal.stats.syncs).toBe(syncs + 1);
    await log.clock.advance(1000);
    expect(log.wal.stats.syncs).toBe(syncs + 1);
  });

  it('reads what is not synced yet', async () => {
    const log = await new Harness().open();
    appendEntries(log, 3);
    const range = { from: 2 as LogIndex, to: 9 as LogIndex, bytesMax: 1e6 };
    const read = log.wal.read(range);
    expect(log.durable).toBe(0);
    expect((await log.clock.drive(read)).map(nameOf)).toEqual(log.model.entries.slice(1).map(nameOf));
  });

  it('reads at least one entry however small the bound', async () => {
    const log = await new Harness().open();
    appendEntries(log, 3);
    await log.settle();
    const read = await log.clock.drive(log.wal.read({ from: 2 as LogIndex, to: 3 as LogIndex, bytesMax: 1 }));
    expect(read.map(({ index }) => index)).toEqual([2]);
    expect(await log.wal.read({ from: 4 as LogIndex, to: 9 as LogIndex, bytesMax: 100 })).toEqual([]);
  });

  it('puts a frame that fits no segment into one of its own', async () => {
    const log = await new Harness().open();
    appendEntries(log, 2);
    appendEntries(log, 1, { bytes: 100_000 });
    appendEntries(log, 2);
    await log.settle();
    expect(log.durable).toBe(5);
    await expectSound(await log.again());
  });

  it('keeps superseded entries until they are judged', async () => {
    const log = await new Harness().open();
    appendEntries(log, 4);
    await log.settle();
    log.append(entriesRecord(entry({ index: 3, term: 2, previousTerm: 1 })), { hardState: hardState(2) });
    await log.settle();
    const next = await log.again();
    await expectSound(next);
    expect(next.recovered.superseded.map(({ index, term }) => [index, term])).toEqual([
      [3, 1],
      [4, 1],
    ]);
    appendEntries(next, 20);
    await next.settle();
    await next.clock.drive(next.wal.removeHead({ below: 20 as LogIndex }));
    await expectSound(await next.again());
    next.wal.judged(next.recovered.superseded);
    const { segments } = next.wal.stats;
    await next.clock.drive(next.wal.removeHead({ below: 20 as LogIndex }));
    expect(next.wal.stats.segments).toBeLessThan(segments);
    const last = await next.again();
    await expectSound(last, { below: 20, judged: next.recovered.superseded });
    expect(last.recovered.superseded).toEqual([]);
    expect(last.recovered.first).toBeGreaterThan(1);
  });

  it('stands on a snapshot, with and without the tail', async () => {
    const log = await new Harness().open();
    appendEntries(log, 6);
    log.append(
      { kind: 'base', position: position(4, 1), directory: 'store-1', keepTail: true },
      { commitFloor: 4 },
    );
    await log.settle();
    const next = await log.again();
    await expectSound(next);
    expect(next.recovered.first).toBe(5);
    next.append({ kind: 'base', position: position(9, 2), directory: 'store-2', keepTail: false });
    appendEntries(next, 2, { term: 2 });
    await next.settle();
    const last = await next.again();
    await expectSound(last);
    expect(last.recovered).toMatchObject({ base: position(9, 2), baseDirectory: 'store-2', first: 10 });
    expect(last.recovered.superseded.map(({ index }) => index)).toEqual([5, 6]);
  });
});
