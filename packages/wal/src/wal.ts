import type { LogRecord, PersistOrder, RecoveredLog } from '@holdfast/core';
import {
  assert,
  type Clock,
  type Disk,
  type DiskId,
  type Entry,
  HoldfastError,
  isDiskError,
  type LogIndex,
  type Random,
  type Ticket,
  TransientMap,
} from '@holdfast/types';
import { EntryReader } from './entry-reader.ts';
import { GroupWriter, type QueuedFrame } from './group-writer.ts';
import type { LogContent } from './log-content.ts';
import type { LogBase } from './log-state.ts';
import { type EntryPlace, encodeRecord, type StoredRecord } from './record-payload.ts';
import { describeRecovery } from './recovered-log.ts';
import { type Recovery, readBase, recover } from './recovery.ts';
import { SegmentFiles } from './segment-files.ts';
import { encodeSegmentHead } from './segment-head.ts';
import { SegmentSet } from './segment-set.ts';
import { type FreshSegment, SegmentSupply } from './segment-supply.ts';

export interface WalOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Made, with its parents, if missing. */
  readonly directory: string;
  readonly diskId: DiskId;
  /** Asked where no log is left: whoever `diskId` names may have promised what was in one. By default nobody has. */
  newDiskId?(): Promise<DiskId>;
  /** Of an ordinary segment; 16 MiB by default. */
  readonly segmentBytes?: number;
  readonly codec: { encode(entry: Entry): Uint8Array; decode(bytes: Uint8Array): Entry };
  /** Everything up to this ticket is on stable storage. Once per group. */
  onDurable(ticket: Ticket): void;
  /** Once: a write or sync failed, what was not reported durable is unknown and never will be reported. */
  onFailure(error: Error): void;
  /** The disk is full: what is appended may wait. And back: everything is as before. */
  onDiskFull?(full: boolean): void;
  /** After each write and sync of a group, in milliseconds and bytes; a mark has no frames. */
  onSync?(durationMs: number, bytes: number, frames: number): void;
}

export interface WalStats {
  readonly segments: number;
  readonly bytes: number;
  readonly syncs: number;
  readonly frames: number;
}

const SEGMENT_BYTES = 16_777_216;

/** The write-ahead log of one database on one disk. */
export class Wal {
  readonly #options: WalOptions;
  readonly #content: LogContent;
  readonly #segments: SegmentSet;
  readonly #reader: EntryReader;
  readonly #supply: SegmentSupply;
  readonly #writer: GroupWriter;
  /** Appended and not on stable storage yet, by index; also what was truncated meanwhile, until it is synced. */
  readonly #unsynced: TransientMap<LogIndex, Entry> = new TransientMap();
  #ticket: Ticket;
  /** Ticket of the newest base record that is not on stable storage yet. */
  #unsyncedBase: Ticket | undefined;
  #removing: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * Recovers the log and opens a new segment: everything that is reported is on stable storage. `damaged`: something is
   * missing that was synced, be it entries (see `holes`), a record without any, or the end.
   * Throws HOLDFAST_DISK_FULL (nothing has changed: try again when there is room), HOLDFAST_CORRUPT_LOG for
   * the log of another disk, HOLDFAST_VERSION_MISMATCH, and DiskError.
   */
  static async open(options: WalOptions): Promise<{ wal: Wal; recovered: RecoveredLog; damaged: boolean }> {
    const { disk, diskId } = options;
    const files = new SegmentFiles(options.directory);
    const segments = new SegmentSet(disk, files);
    try {
      const recovery = await recover({ disk, diskId, files });
      for (const number of recovery.segments)
        segments.add(number, (await disk.stat(files.segment(number)))?.size ?? 0);
      const recovered = await describeRecovery(recovery, segments, options.codec);
      const newDiskId = recovery.empty ? await options.newDiskId?.() : undefined;
      const owned = newDiskId === undefined ? options : { ...options, diskId: newDiskId };
      const wal = await Wal.#begin(owned, files, { recovery, segments });
      return { wal, recovered, damaged: recovery.damaged };
    } catch (error) {
      await segments.close();
      if (!isDiskError(error, 'ENOSPC')) throw error;
      const message = `no room on the disk to open the log in ${options.directory}`;
      throw new HoldfastError('HOLDFAST_DISK_FULL', message, { cause: error });
    }
  }

  /** The base of a log that was not opened; see `readBase`. */
  static async readBase(
    options: Pick<WalOptions, 'disk' | 'directory' | 'diskId'>,
  ): Promise<LogBase | undefined> {
    const { disk, diskId, directory } = options;
    return await readBase({ disk, diskId, files: new SegmentFiles(directory) });
  }

  static async #begin(
    options: WalOptions,
    files: SegmentFiles,
    found: { readonly recovery: Recovery; readonly segments: SegmentSet },
  ): Promise<Wal> {
    const { recovery } = found;
    let fail: (error: Error) => void = () => {};
    const supply = new SegmentSupply(
      {
        disk: options.disk,
        clock: options.clock,
        files,
        segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
        nextSegment: recovery.nextSegment,
        onDiskFull: (full) => options.onDiskFull?.(full),
        onFailure: (error) => fail(error),
      },
      recovery.reserve,
    );
    const firstTicket = (recovery.ticket + 1) as Ticket;
    const segment = await supply.begin((number) =>
      encodeSegmentHead({ disk: options.diskId, segment: number, firstTicket, state: recovery.state }),
    );
    const wal = new Wal(options, { ...found, supply, segment });
    fail = (error) => wal.#writer.fail(error);
    supply.prepare();
    return wal;
  }

  private constructor(
    options: WalOptions,
    parts: {
      readonly recovery: Recovery;
      readonly segments: SegmentSet;
      readonly supply: SegmentSupply;
      readonly segment: FreshSegment;
    },
  ) {
    const { recovery, segments, supply, segment } = parts;
    this.#options = options;
    this.#content = recovery.content;
    this.#ticket = recovery.ticket;
    this.#segments = segments;
    this.#reader = new EntryReader(segments, options.codec);
    this.#supply = supply;
    segments.add(segment.number, segment.bytes);
    this.#writer = new GroupWriter({
      clock: options.clock,
      diskId: options.diskId,
      supply,
      segment,
      state: recovery.state,
      ticket: recovery.ticket,
      onSegment: (fresh) => segments.add(fresh.number, fresh.bytes),
      onPlaced: (frame, number, offset) => this.#placed(frame, number, offset),
      onSynced: (frames) => this.#synced(frames),
      onFailure: (error) => options.onFailure(error),
      ...(options.onSync === undefined ? {} : { onSync: options.onSync }),
    });
  }

  /** First in, first out. `onDurable` tells when. Does nothing after a failure. */
  append(order: PersistOrder): void {
    assert(!this.#closed, 'nothing is appended to a closed log');
    assert(order.ticket === this.#ticket + 1, 'tickets have no gaps');
    this.#ticket = order.ticket;
    const payload = encodeRecord(order.record, this.#options.codec.encode.bind(this.#options.codec));
    this.#content.apply(storedRecord(order.record, payload.places), {
      segment: 0,
      commitFloor: order.commitFloor,
    });
    if (order.record.kind === 'entries' || order.record.kind === 'repair')
      for (const entry of order.record.entries) this.#unsynced.set(entry.index, entry);
    if (order.record.kind === 'base') this.#unsyncedBase = order.ticket;
    assert(order.last.index <= this.#content.map.last.index, 'the log ends no later than its entries');
    this.#content.reconcile(order.last);
    this.#writer.append({ order, payload });
  }

  /**
   * Entries `from`..`to`, as many as fit in `bytesMax` but at least one if it is held; ends before a gap,
   * and early, at worst before the first, if the head is dropped meanwhile. Appended ones are seen whether or
   * not they are durable. Throws HOLDFAST_CORRUPT_LOG for damage.
   */
  read(range: { from: LogIndex; to: LogIndex; bytesMax: number }): Promise<Entry[]> {
    return this.#reader.read(range, this.#content.map, this.#unsynced);
  }

  /** The oldest entry that is part of the log and held; above the last there is none. */
  get first(): LogIndex {
    return this.#content.map.first;
  }

  /** From there to `to` every entry is held; `to` + 1 if that one is not. */
  heldFrom(to: LogIndex): LogIndex {
    return this.#content.map.heldFrom(to);
  }

  /**
   * Drops whole segments from the oldest on, while all of their entries are below `below` and none of them
   * holds a superseded entry that waits to be judged. Drops nothing while a base record is not durable: ask
   * again later. A crash in between leaves some of them.
   */
  removeHead(options: { below: LogIndex }): Promise<void> {
    const removed = this.#removing.then(() => this.#removeBelow(options.below));
    this.#removing = removed.catch(() => {});
    return removed;
  }

  /** These superseded entries survived or are filed: nobody needs their segment for them. */
  judged(entries: readonly Entry[]): void {
    for (const entry of entries) this.#content.superseded.judged(entry);
  }

  /** Of its files, used up since it was opened: an entry on its own takes a whole block. */
  get usedBytes(): number {
    return this.#writer.usedBytes;
  }

  get directory(): string {
    return this.#options.directory;
  }

  get stats(): WalStats {
    return { segments: this.#segments.count, bytes: this.#segments.totalBytes, ...this.#writer.stats };
  }

  /** Writes what waits (unless the disk is full or has failed) and a last mark. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.close();
    await this.#removing;
    await this.#supply.close();
    await this.#segments.close();
  }

  #placed(frame: QueuedFrame, segment: number, payloadOffset: number): void {
    const { record } = frame.order;
    if (record.kind !== 'entries' && record.kind !== 'repair') return;
    const { map, superseded } = this.#content;
    for (const [position, entry] of record.entries.entries()) {
      const place = frame.payload.places[position];
      assert(place !== undefined, 'every entry has a place');
      const location = {
        term: entry.term,
        segment,
        offset: payloadOffset + place.offset,
        length: place.length,
      };
      if (map.holds(entry.index) && this.#unsynced.get(entry.index) === entry)
        map.place(entry.index, location);
      else superseded.written(entry.index, location);
    }
  }

  #synced(frames: readonly QueuedFrame[]): void {
    for (const { order } of frames) {
      if (order.record.kind !== 'entries' && order.record.kind !== 'repair') continue;
      for (const entry of order.record.entries)
        if (this.#unsynced.get(entry.index) === entry) this.#unsynced.delete(entry.index);
    }
    const ticket = frames.at(-1)?.order.ticket;
    if (ticket === undefined) return;
    if (this.#unsyncedBase !== undefined && this.#unsyncedBase <= ticket) this.#unsyncedBase = undefined;
    this.#options.onDurable(ticket);
  }

  /**
   * Decided at once, by what is on stable storage: a base that is not may never be, and then what it replaces
   * is still the log. A hole counts as held: its neighbours say how to heal it.
   */
  async #removeBelow(below: LogIndex): Promise<void> {
    if (this.#unsyncedBase !== undefined) return;
    const { map, superseded } = this.#content;
    const kept = Math.min(
      map.lowestSegmentFrom(map.firstAbsent(below)),
      superseded.lowestSegment(),
      this.#writer.newestHead,
    );
    const removed = this.#segments.numbers.filter((segment) => segment < kept);
    map.dropBelow((map.highestIndexBelowSegment(kept) + 1) as LogIndex);
    try {
      for (const segment of removed) if (!this.#closed) await this.#segments.remove(segment);
    } catch (error) {
      // Where nothing is written in place it takes room to remove a file (btrfs, ZFS): the next call tries again.
      if (!isDiskError(error, 'ENOSPC')) throw error;
    }
  }
}

function storedRecord(record: LogRecord, places: readonly EntryPlace[]): StoredRecord {
  return record.kind === 'entries' || record.kind === 'repair' ? { kind: record.kind, places } : record;
}
