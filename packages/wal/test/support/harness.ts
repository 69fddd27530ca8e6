import type { HardState, LogRecord, PersistOrder, RecoveredLog } from '@holdfast/core';
import { SimClock, SimDisk, SimRandom } from '@holdfast/sim';
import type { Entry, LogIndex, Position, Ticket } from '@holdfast/types';
import { expect } from 'vitest';
import { Wal, type WalOptions } from '../../src/index.ts';
import { DISK, nameOf, position, testCodec } from './entries.ts';
import { advanceModel, EMPTY_MODEL, type ModelLog } from './model-log.ts';

export const DIRECTORY = '/data/wal';
export const BLOCK = 4096;
/** Room for two heads, five groups and the last mark. */
export const TINY_SEGMENT = 8 * BLOCK;

/** One log on a simulated disk, and what it ought to hold after every ticket. */
export class Harness {
  readonly disk: SimDisk;
  readonly clock: SimClock = new SimClock();
  readonly segmentBytes: number;
  wal!: Wal;
  recovered!: RecoveredLog;
  /** By ticket. */
  models: ModelLog[] = [EMPTY_MODEL];
  durable = 0;
  durableCalls: number[] = [];
  damaged = false;
  failures: Error[] = [];
  diskFull: boolean[] = [];
  /** The program was killed: what it still does counts for nothing. */
  ended = false;

  constructor(options: { disk?: SimDisk; segmentBytes?: number } = {}) {
    this.disk = options.disk ?? new SimDisk();
    this.segmentBytes = options.segmentBytes ?? TINY_SEGMENT;
  }

  get model(): ModelLog {
    return this.models.at(-1)!;
  }

  async open(overrides: Partial<WalOptions> = {}): Promise<this> {
    const { wal, recovered, damaged } = await this.clock.drive(
      Wal.open({
        disk: this.disk,
        clock: this.clock,
        random: new SimRandom(1),
        directory: DIRECTORY,
        diskId: DISK,
        segmentBytes: this.segmentBytes,
        codec: testCodec,
        onDurable: (ticket) => {
          if (this.ended) return;
          expect(this.failures).toEqual([]);
          this.durableCalls.push(ticket);
          this.durable = ticket;
        },
        onFailure: (error) => this.failures.push(error),
        onDiskFull: (full) => this.diskFull.push(full),
        ...overrides,
      }),
    );
    this.wal = wal;
    this.recovered = recovered;
    this.damaged = damaged;
    return this;
  }

  append(
    record: LogRecord,
    state: { hardState?: HardState; commitFloor?: number; last?: Position } = {},
  ): PersistOrder {
    const order: PersistOrder = {
      ticket: (this.model.ticket + 1) as Ticket,
      record,
      hardState: state.hardState ?? this.model.hardState,
      commitFloor: (state.commitFloor ?? this.model.commitFloor) as LogIndex,
      last: state.last ?? lastAfter(this.model, record),
    };
    this.wal.append(order);
    this.models.push(advanceModel(this.model, order));
    return order;
  }

  /** Writes what waits. No time passes: no idle mark. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  async close(): Promise<void> {
    await this.clock.drive(this.wal.close());
  }

  async readAll(): Promise<Entry[]> {
    const { first, last } = this.recovered;
    return readEverything(this, first, Math.max(last.index, this.model.last.index));
  }

  /** Another run on the same files; by default the program just ended. */
  again(disk: SimDisk = this.disk.afterCrash({ keep: 'all' })): Promise<Harness> {
    const next = new Harness({ disk, segmentBytes: this.segmentBytes });
    next.models = this.models.slice();
    next.durable = this.durable;
    return next.open();
  }
}

async function readEverything(harness: Harness, first: number, last: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let from = first; from <= last; ) {
    const range = { from: from as LogIndex, to: last as LogIndex, bytesMax: 700 };
    const read = await harness.clock.drive(harness.wal.read(range));
    if (read.length === 0) break;
    entries.push(...read);
    from += read.length;
  }
  return entries;
}

function lastAfter(model: ModelLog, record: LogRecord): Position {
  if (record.kind === 'entries') {
    const newest = record.entries.at(-1);
    return newest === undefined ? model.last : position(newest.index, newest.term);
  }
  if (record.kind === 'base')
    return record.keepTail && record.position.index < model.last.index ? model.last : record.position;
  return model.last;
}

/**
 * The law of every crash: the log is what it was after one of its records, no older than the newest one
 * reported durable. `below`: the head up to there may be gone. Drops the models of what was lost.
 */
export async function expectSound(
  harness: Harness,
  options: { below?: number; judged?: readonly Entry[] } = {},
): Promise<void> {
  const { recovered, models } = harness;
  const found = recovered.ticket;
  expect(found, 'nothing reported durable is lost').toBeGreaterThanOrEqual(harness.durable);
  expect(found, 'nothing is made up').toBeLessThan(models.length);
  const model = models[found]!;
  expect(recovered.holes).toEqual([]);
  expect(recovered.hardState).toEqual(model.hardState);
  expect(recovered.commitFloor).toBe(model.commitFloor);
  expect(recovered.genesis).toEqual(model.genesis);
  expect(recovered.exclusion).toBe(model.exclusion);
  expect(recovered.base).toEqual(model.base);
  expect(recovered.baseDirectory).toBe(model.directory);
  expect(recovered.last).toEqual(model.last);
  harness.models = models.slice(0, found + 1);
  const expected = model.entries.filter((entry) => entry.index >= recovered.first);
  const oldest = model.entries[0]?.index ?? model.last.index + 1;
  expect(recovered.first, 'only the head may be gone').toBeLessThanOrEqual(
    Math.max(options.below ?? 0, oldest),
  );
  const readable = await harness.readAll();
  expect(readable.map(nameOf)).toEqual(expected.map(nameOf));
  const newest = expected.at(-1);
  expect(recovered.lastRevision).toBe(newest?.firstRevision ?? 0);
  expect(recovered.lastLogTime).toBe(newest?.logTime ?? 0);
  expect(recovered.termRuns).toEqual(termRuns(expected));
  expectSuperseded(recovered.superseded, model, options.judged ?? []);
}

function expectSuperseded(found: readonly Entry[], model: ModelLog, judged: readonly Entry[]): void {
  const held = new Set(model.entries.map((entry) => `${entry.index}.${entry.term}`));
  const pending = model.superseded.filter((entry) => !held.has(`${entry.index}.${entry.term}`)).map(nameOf);
  const settled = new Set(judged.map(nameOf));
  const names = found.map(nameOf);
  for (const name of pending) if (!settled.has(name)) expect(names).toContain(name);
  for (const name of names) expect(pending).toContain(name);
}

function termRuns(entries: readonly Entry[]): Position[] {
  return entries
    .filter((entry, at) => entry.term !== entries[at - 1]?.term)
    .map((entry) => position(entry.index, entry.term));
}
