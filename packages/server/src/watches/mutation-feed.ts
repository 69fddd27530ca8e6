import type { Effect } from '@holdfast/core';
import {
  type Clock,
  type Entry,
  HoldfastError,
  LIMITS,
  type LogIndex,
  type StoredRecord,
  type Term,
  type Timer,
} from '@holdfast/types';
import { LogChunks } from './log-chunks.ts';
import { type LogHead, LogSearch, type ReadableLog } from './log-search.ts';
import { type PreviousValues, previousValues } from './previous-values.ts';
import { type RangeFilter, RangeFilters } from './range-filter.ts';
import { RecentEntries } from './recent-entries.ts';
import { Watcher, type WatchRequest, type WatchSink } from './watcher.ts';

export interface MutationFeedOptions {
  readonly log: ReadableLog;
  readonly clock: Clock;
  /** As the store was opened. */
  readonly head: LogHead;
  /** Bytes of newest entries kept while anybody watches. */
  readonly recentBytesMax: number;
  /** The records of the store, fewer if their values are longer than `bytesMax`. */
  read(keys: readonly Uint8Array[], bytesMax: number): readonly (StoredRecord | undefined)[];
  /** How old the applied state may be, milliseconds; -1: unknown. */
  stalenessMs(): number;
  /** The log is damaged. */
  onFailure(error: unknown): void;
}

/** A watch that was opened, for its owner. */
export interface OpenWatch {
  /** So many bytes more may be told. */
  grant(bytes: number): void;
  close(): void;
}

type Batch = Extract<Effect, { kind: 'apply' }>;

/** Between marks of how far a watch has come that has nothing to tell, milliseconds. */
const MARK_MS = 500;
/** Between looks for room on connections that are not read fast enough, milliseconds. */
const ROOM_MS = 10;
/** A node that cannot prove its state to be younger lets its watches go: others may know more. Milliseconds. */
const STALENESS_MS_MAX = 3000;

/**
 * What this node has applied, for whoever watches: committed, in log order, each mutation once. Watches at the head
 * are told from memory, those behind it read the log at their own pace. While nobody watches a batch costs a
 * comparison.
 */
export class MutationFeed {
  readonly #options: MutationFeedOptions;
  readonly #search: LogSearch;
  readonly #filters = new RangeFilters();
  readonly #recent: RecentEntries;
  readonly #watchers = new Set<Watcher>();
  /** Filters of watches that want to know what was there before, and how many of them there are. */
  readonly #previousWanted = new Map<RangeFilter, number>();
  /** What the batch under way replaces. */
  #captured: PreviousValues | undefined;
  /** A batch is on its way into the store. */
  #isApplying = false;
  /** To be opened behind it: what it replaces was not looked at for them. */
  #behindBatch: (() => void)[] = [];
  #chunks: LogChunks;
  #head: LogHead;
  #term = 0 as Term;
  #marks: Timer | undefined;
  #room: Timer | undefined;
  /** Grows when the store and the log are replaced: what was read before is nobody's. */
  #epoch = 0;
  #events = 0;

  constructor(options: MutationFeedOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#search = new LogSearch(options.log);
    this.#chunks = new LogChunks(options.log);
    this.#recent = new RecentEntries(options.recentBytesMax);
  }

  /** Watches, events told since the start, and how many entries the slowest watch is behind. */
  get stats(): { readonly watches: number; readonly events: number; readonly lagEntries: number } {
    let next = this.#head.index + 1;
    for (const watcher of this.#watchers) if (!watcher.isShadow) next = Math.min(next, watcher.next);
    return { watches: this.#watchers.size, events: this.#events, lagEntries: this.#head.index + 1 - next };
  }

  /** Before the batch goes into the store: what it replaces is there to be read now. */
  applying({ entries }: Batch): void {
    this.#isApplying = true;
    this.#captured = this.#previousWanted.size === 0 ? undefined : this.#capture(entries);
  }

  /** The batch is in the store. Whoever watches from now on is told of what comes after it. */
  applied({ entries, applied, revision }: Batch): void {
    this.#head = { index: applied.index, revision };
    if (this.#watchers.size > 0) {
      this.#term = applied.term;
      this.#recent.push(entries, this.#captured);
    }
    this.#batchEnded();
  }

  /** Tells whoever watches at the head. */
  tell(): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of this.#watchers) this.#run(watcher);
  }

  /**
   * The core has let it through: `request.from`, if there is one, survived and is applied here. Throws
   * HOLDFAST_OVERLOADED.
   */
  open(request: WatchRequest, sink: WatchSink): OpenWatch {
    if (this.#watchers.size + this.#behindBatch.length >= LIMITS.watchesMax)
      throw new HoldfastError('HOLDFAST_OVERLOADED', `more than ${LIMITS.watchesMax} watches on this node`);
    const { revision: position } = this.#head;
    const next = (this.#head.index + 1) as LogIndex;
    const filter = this.#filters.join(request.range);
    const watcher = new Watcher(request, sink, { filter, position: request.from ?? position, next });
    if (request.previousValues && this.#isApplying) {
      this.#behindBatch.push(() => {
        const after = (this.#head.index + 1) as LogIndex;
        watcher.startAt({ position: request.from ?? this.#head.revision, next: after });
        this.#begin(watcher);
      });
    } else this.#begin(watcher);
    return {
      grant: (bytes) => {
        watcher.isShadow = false;
        watcher.credit = Math.min(watcher.credit + bytes, LIMITS.watchCreditBytesMax);
        if (this.#watchers.has(watcher)) this.#run(watcher);
      },
      close: () => this.#close(watcher),
    };
  }

  /**
   * Another store took the place of the one before, and its position that of the log. What becomes of a batch that was on
   * its way into the one before is not told here.
   */
  replaced(head: LogHead): void {
    this.#head = head;
    this.#epoch += 1;
    this.#chunks = new LogChunks(this.#options.log);
    const error = new HoldfastError('HOLDFAST_NOT_READY', 'the store of this node was replaced');
    for (const watcher of this.#watchers) this.#end(watcher, error);
    this.#batchEnded();
  }

  /** Nobody is told anything any more. */
  stop(): void {
    for (const watcher of this.#watchers) this.#close(watcher);
    this.#marks?.cancel();
    this.#room?.cancel();
  }

  #batchEnded(): void {
    this.#isApplying = false;
    this.#captured = undefined;
    if (this.#behindBatch.length > 0) for (const open of this.#behindBatch.splice(0)) open();
  }

  #begin(watcher: Watcher): void {
    if (watcher.isEnded) return;
    const { filter, request, sink, position } = watcher;
    if (this.#watchers.size === 0) this.#recent.reset(watcher.next);
    this.#watchers.add(watcher);
    if (request.previousValues) this.#previousWanted.set(filter, (this.#previousWanted.get(filter) ?? 0) + 1);
    if (this.#marks === undefined) this.#markLater();
    sink.onOpened(position);
    if (position < this.#head.revision) void this.#find(watcher);
  }

  #run(watcher: Watcher): void {
    if (watcher.isReading || watcher.isEnded || watcher.credit <= 0) return;
    if (watcher.next > this.#head.index) return;
    if (!watcher.sink.hasRoom) {
      this.#room ??= this.#after(ROOM_MS, () => {
        this.#room = undefined;
        this.tell();
      });
      return;
    }
    if (this.#recent.at(watcher.next) === undefined) void this.#readOn(watcher);
    else {
      this.#tellFrom(watcher, (index) => this.#recent.at(index));
      if (watcher.credit > 0 && watcher.next <= this.#head.index) this.#run(watcher);
    }
  }

  #tellFrom(watcher: Watcher, entryAt: Parameters<Watcher['tell']>[0]): void {
    try {
      this.#events += watcher.tell(entryAt, this.#head.index);
    } catch (error) {
      this.#failed(watcher, error);
    }
  }

  /** Where in the log it is to begin. */
  #find(watcher: Watcher): Promise<void> {
    return this.#reading(watcher, async (isCurrent) => {
      const next = await this.#search.find(watcher.position, this.#head);
      if (isCurrent()) watcher.next = next;
    });
  }

  #readOn(watcher: Watcher): Promise<void> {
    return this.#reading(watcher, async (isCurrent) => {
      const first = watcher.next;
      const entries = await this.#chunks.read(first, this.#head.index);
      if (!isCurrent()) return;
      if (entries.length > 0) {
        this.#tellFrom(watcher, (index) => recentOf(entries[index - first]));
        return;
      }
      // They are gone. What they held may have been nothing to it.
      const next = await this.#search.find(watcher.position, this.#head);
      if (isCurrent()) watcher.next = next;
    });
  }

  /** While it reads nothing else is done for it; then it goes on. */
  async #reading(watcher: Watcher, read: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    const epoch = this.#epoch;
    const isCurrent = (): boolean => !watcher.isEnded && this.#epoch === epoch;
    watcher.isReading = true;
    try {
      await read(isCurrent);
    } catch (error) {
      if (isCurrent()) this.#failed(watcher, error);
    }
    watcher.isReading = false;
    if (isCurrent()) this.#run(watcher);
  }

  #capture(entries: readonly Entry[]): PreviousValues | undefined {
    const filters = [...this.#previousWanted.keys()];
    const wants = (key: Uint8Array): boolean => filters.some((filter) => filter.holds(key));
    try {
      return previousValues({ entries, wants, read: this.#options.read });
    } catch (error) {
      // A store that cannot be read now: what was there before is not known then, which is said to who asks.
      if (error instanceof HoldfastError) return undefined;
      throw error;
    }
  }

  #markLater(): void {
    this.#marks = this.#after(MARK_MS, () => {
      this.#marks = undefined;
      this.#mark();
      if (this.#watchers.size > 0) this.#markLater();
    });
  }

  #mark(): void {
    const stalenessMs = this.#options.stalenessMs();
    if (stalenessMs < 0 || stalenessMs > STALENESS_MS_MAX) {
      const reason = 'this node has not heard of a primary with its majority for a while';
      const error = new HoldfastError('HOLDFAST_TOO_STALE', reason);
      for (const watcher of this.#watchers) this.#end(watcher, error);
      return;
    }
    for (const watcher of this.#watchers) {
      if (watcher.isReading || watcher.next <= this.#head.index || !watcher.sink.hasRoom) continue;
      watcher.mark(this.#head.revision, this.#term);
    }
  }

  /** What a watch is told, unless it is the log itself that is at fault. */
  #failed(watcher: Watcher, error: unknown): void {
    if (error instanceof HoldfastError && error.code !== 'HOLDFAST_CORRUPT_LOG') this.#end(watcher, error);
    else this.#options.onFailure(error);
  }

  #end(watcher: Watcher, error: HoldfastError): void {
    this.#close(watcher);
    watcher.sink.onEnded(error);
  }

  #close(watcher: Watcher): void {
    if (watcher.isEnded) return;
    watcher.isEnded = true;
    const { filter, request } = watcher;
    this.#filters.leave(request.range, filter);
    if (!this.#watchers.delete(watcher)) return;
    if (request.previousValues) {
      const others = this.#previousWanted.get(filter)! - 1;
      if (others === 0) this.#previousWanted.delete(filter);
      else this.#previousWanted.set(filter, others);
    }
    if (this.#watchers.size > 0) return;
    this.#recent.reset((this.#head.index + 1) as LogIndex);
    this.#marks?.cancel();
    this.#marks = undefined;
  }

  #after(ms: number, work: () => void): Timer {
    return this.#options.clock.setTimer(ms, work, { background: true });
  }
}

function recentOf(entry: Entry | undefined): ReturnType<RecentEntries['at']> {
  return entry === undefined ? undefined : { entry, previous: undefined };
}
