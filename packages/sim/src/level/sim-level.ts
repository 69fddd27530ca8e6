import type {
  LevelItem,
  LevelIterator,
  LevelLike,
  LevelLocation,
  LevelOperation,
  LevelRange,
  LevelSnapshot,
} from '@holdfast/store';
import { type Disk, keyText } from '@holdfast/types';
import { ioFailure, levelFailure } from './level-failure.ts';
import { OpenLevel } from './open-level.ts';
import { keyOf, type SortedRecords } from './sorted-records.ts';

export interface SimLevelOptions {
  /** Of one process: its databases die with it. */
  readonly disk: Disk;
  /** A memory table of more bytes becomes a file; 16 KiB by default. */
  readonly writeBufferBytes?: number;
  /** Awaited between the effect of a call and its answer: LevelDB works on threads of its own. Nothing by default. */
  readonly pause?: () => Promise<void>;
  /** Told what a database holds once it is open, in which later changes are seen; of one that is closed, undefined. */
  readonly onChanged?: (path: string, records: SortedRecords | undefined) => void;
}

const WRITE_BUFFER_BYTES = 16_384;

/**
 * LevelDB, as far as a store can tell, on a simulated disk: the databases of one process. Whatever LevelDB may
 * lose is lost by losing it on the disk:
 *
 * - a batch goes to the current log; without `sync` a power cut takes any sectors of it, and what stands behind a
 *   lost one is found again;
 * - a full memory table begins a new log; the old one is not synced, and needed until its table is made. So an
 *   earlier batch may go while a later one stays, even one that was written with `sync` (fault 44);
 * - a table is synced before the synced manifest names it; `compactRange` makes one of all that was written.
 */
export function simLevels(options: SimLevelOptions): LevelLocation {
  const locked = new Set<string>();
  return (path) => new SimLevel(path, options, locked);
}

class SimLevel implements LevelLike {
  readonly #path: string;
  readonly #options: SimLevelOptions;
  /** Paths of the databases that this process has open. */
  readonly #locked: Set<string>;
  #opened: OpenLevel | undefined;

  constructor(path: string, options: SimLevelOptions, locked: Set<string>) {
    this.#path = path;
    this.#options = options;
    this.#locked = locked;
  }

  async open(): Promise<void> {
    if (this.#opened !== undefined) return;
    if (this.#locked.has(this.#path)) {
      const cause = levelFailure(
        'LEVEL_LOCKED',
        `IO error: lock ${this.#path}/LOCK: already held by process`,
      );
      throw levelFailure('LEVEL_DATABASE_NOT_OPEN', 'Database failed to open', cause);
    }
    this.#locked.add(this.#path);
    const { disk, writeBufferBytes = WRITE_BUFFER_BYTES } = this.#options;
    try {
      this.#opened = await OpenLevel.open(this.#path, { disk, writeBufferBytes, pause: () => this.#pause() });
      this.#options.onChanged?.(this.#path, this.#opened.records);
    } catch (error) {
      this.#locked.delete(this.#path);
      throw levelFailure('LEVEL_DATABASE_NOT_OPEN', 'Database failed to open', ioFailure(error));
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    this.#opened = undefined;
    this.#options.onChanged?.(this.#path, undefined);
    try {
      await opened.close();
    } finally {
      this.#locked.delete(this.#path);
    }
  }

  getSync(key: Uint8Array, options: { snapshot?: LevelSnapshot } = {}): Uint8Array | undefined {
    const value = this.#recordsOf(options.snapshot).get(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  batch(operations: readonly LevelOperation[], options: { sync: boolean }): Promise<void> {
    if (this.#opened === undefined) return Promise.reject(notOpen());
    return this.#opened.write(operations, options.sync);
  }

  iterator(options: LevelRange & { snapshot?: LevelSnapshot }): LevelIterator {
    const records = this.#recordsOf(options.snapshot).frozen();
    const opened = this.#opened;
    const isOpen = (): boolean => this.#opened === opened;
    return new SimLevelIterator({ records, range: options, isOpen, pause: () => this.#pause() });
  }

  snapshot(): LevelSnapshot {
    return new SimLevelSnapshot(this.#live().frozen(), this.#opened!);
  }

  compactRange(): Promise<void> {
    return this.#opened === undefined ? Promise.reject(notOpen()) : this.#opened.flush();
  }

  #live(): SortedRecords {
    if (this.#opened === undefined) throw notOpen();
    return this.#opened.records;
  }

  #recordsOf(snapshot: LevelSnapshot | undefined): SortedRecords {
    const live = this.#live();
    if (snapshot === undefined) return live;
    if (!(snapshot instanceof SimLevelSnapshot) || !snapshot.isOf(this.#opened!))
      throw levelFailure('LEVEL_SNAPSHOT_NOT_OPEN', 'Snapshot is not open');
    return snapshot.records;
  }

  #pause(): Promise<void> {
    return this.#options.pause?.() ?? Promise.resolve();
  }
}

class SimLevelSnapshot implements LevelSnapshot {
  readonly records: SortedRecords;
  /** Absent once closed. */
  #opened: OpenLevel | undefined;

  constructor(records: SortedRecords, opened: OpenLevel) {
    this.records = records;
    this.#opened = opened;
  }

  /** It is open, and of the database as it was opened last. */
  isOf(opened: OpenLevel): boolean {
    return this.#opened === opened;
  }

  close(): Promise<void> {
    this.#opened = undefined;
    return Promise.resolve();
  }
}

interface SimLevelIteratorParts {
  readonly records: SortedRecords;
  readonly range: LevelRange;
  isOpen(): boolean;
  pause(): Promise<void>;
}

class SimLevelIterator implements LevelIterator {
  readonly #parts: SimLevelIteratorParts;
  readonly #names: readonly string[];
  #next = 0;
  #isClosed = false;

  constructor(parts: SimLevelIteratorParts) {
    this.#parts = parts;
    this.#names = parts.records.namesIn(parts.range);
  }

  async nextv(size: number): Promise<LevelItem[]> {
    this.#assertOpen();
    const items = this.#take(size);
    await this.#parts.pause();
    return items;
  }

  seek(target: Uint8Array): void {
    this.#assertOpen();
    const name = keyText(target);
    const isReverse = this.#parts.range.reverse === true;
    const place = this.#names.findIndex((other) => (isReverse ? other <= name : other >= name));
    this.#next = place < 0 ? this.#names.length : place;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #take(size: number): LevelItem[] {
    const { range, records } = this.#parts;
    const items: LevelItem[] = [];
    let bytes = 0;
    while (items.length < size && this.#next < this.#names.length) {
      const name = this.#names[this.#next++]!;
      const key = range.keys === false ? undefined : keyOf(name);
      const value = range.values === false ? undefined : Buffer.from(records.valueOf(name));
      items.push([key, value]);
      bytes += (key?.length ?? 0) + (value?.length ?? 0);
      if (bytes > (range.highWaterMarkBytes ?? Infinity)) break;
    }
    return items;
  }

  #assertOpen(): void {
    if (this.#isClosed || !this.#parts.isOpen())
      throw levelFailure('LEVEL_ITERATOR_NOT_OPEN', 'Iterator is not open');
  }
}

function notOpen(): Error {
  return levelFailure('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
}
