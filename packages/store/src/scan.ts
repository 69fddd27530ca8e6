import type { KeyRange, Revision } from '@holdfast/types';
import { fromUserKey, userBounds, userKey } from './keys.ts';
import type { LevelItem, LevelIterator, LevelLike, LevelSnapshot } from './level-like.ts';
import { readUserRecord } from './record.ts';

const NOTHING = new Uint8Array(0);
/** Entries fetched from LevelDB at once; it also stops by itself after `FETCH_BYTES`. */
const FETCH_ENTRIES_MAX = 1000;
const FETCH_BYTES = 262_144;

export interface ScanPage {
  /** Alternating keys and values; empty where not asked for. */
  readonly records: Uint8Array[];
  /** Nothing follows. */
  readonly done: boolean;
}

/** A range read on the state of the moment it was made. Calls must not overlap. */
export interface StoreScan {
  /** Of the state read. */
  readonly revision: Revision;
  /**
   * The next records, as many as fit in both bounds, but at least one if there is one.
   * HOLDFAST_SNAPSHOT_LOST once the store was closed or reopened.
   */
  next(options: { entriesMax: number; bytesMax: number }): Promise<ScanPage>;
  /** Goes on at `key`, or after it in the direction of the scan. Does not give back what `limit` has counted. */
  seek(key: Uint8Array): void;
  /** Must be called: an open scan pins what it reads. */
  close(): Promise<void>;
}

export interface LevelScanOptions {
  readonly level: LevelLike;
  readonly snapshot: LevelSnapshot;
  /** The scan is over; called once. */
  readonly release: () => Promise<void>;
  readonly revision: Revision;
  readonly range: KeyRange;
  /** Makes of a failed read what the caller is told. */
  readonly failure: (error: unknown) => unknown;
}

export class LevelScan implements StoreScan {
  readonly revision: Revision;
  readonly #options: LevelScanOptions;
  readonly #iterator: LevelIterator;
  /** Read from LevelDB, but beyond the bytes of the page before. */
  #ahead: LevelItem[] = [];
  #aheadNext = 0;
  #ended = false;
  #left: number;
  #closing: Promise<void> | undefined;

  constructor(options: LevelScanOptions) {
    this.revision = options.revision;
    this.#options = options;
    const { range } = options;
    this.#left = range.limit < 0 ? Number.POSITIVE_INFINITY : range.limit;
    this.#iterator = options.level.iterator({
      ...userBounds(range),
      reverse: range.reverse,
      // The key is read even if only values are asked for: their checksum covers it.
      values: range.values,
      highWaterMarkBytes: FETCH_BYTES,
      snapshot: options.snapshot,
      fillCache: false,
    });
  }

  async next(options: { entriesMax: number; bytesMax: number }): Promise<ScanPage> {
    try {
      return await this.#page(options);
    } catch (error) {
      throw this.#options.failure(error);
    }
  }

  seek(key: Uint8Array): void {
    this.#ahead = [];
    this.#aheadNext = 0;
    this.#ended = false;
    try {
      this.#iterator.seek(userKey(key));
    } catch (error) {
      throw this.#options.failure(error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #page(options: { entriesMax: number; bytesMax: number }): Promise<ScanPage> {
    const records: Uint8Array[] = [];
    const entriesMax = Math.min(options.entriesMax, this.#left);
    let entries = 0;
    let bytes = 0;
    while (entries < entriesMax) {
      if (this.#aheadNext === this.#ahead.length && !(await this.#fetch(entriesMax - entries + 1))) break;
      const item = this.#ahead[this.#aheadNext]!;
      const size = (item[0]?.byteLength ?? 0) + (item[1]?.byteLength ?? 0);
      if (entries > 0 && bytes + size > options.bytesMax) break;
      this.#aheadNext += 1;
      records.push(...this.#record(item));
      entries += 1;
      bytes += size;
    }
    this.#left -= entries;
    // A look ahead tells whether anything follows, which saves the caller a page.
    const more = this.#left > 0 && (this.#aheadNext < this.#ahead.length || (await this.#fetch(1)));
    return { records, done: !more };
  }

  async #fetch(entries: number): Promise<boolean> {
    if (this.#ended) return false;
    this.#ahead = await this.#iterator.nextv(Math.min(entries, FETCH_ENTRIES_MAX));
    this.#aheadNext = 0;
    this.#ended = this.#ahead.length === 0;
    return !this.#ended;
  }

  #record(item: LevelItem): [Uint8Array, Uint8Array] {
    const { keys, values } = this.#options.range;
    const stored = item[0]!;
    return [keys ? fromUserKey(stored) : NOTHING, values ? readUserRecord(stored, item[1]!).value : NOTHING];
  }

  async #close(): Promise<void> {
    await this.#iterator.close();
    await this.#options.release();
  }
}
