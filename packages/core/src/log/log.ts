import {
  assert,
  type Entry,
  entryBytes,
  type LogIndex,
  lastRevisionOf,
  type Position,
  type Revision,
  type Term,
} from '@holdfast/types';
import type { RecoveredLog } from '../api.ts';

const ANCHORS_MAX = 8;

/**
 * The log as the core sees it: where it begins and ends, which term holds at which index, and a cache of the
 * newest entries. Invariant: once warm, every entry above the applied index is in the cache.
 */
export class Log {
  /** The snapshot the log stands on. */
  base: Position;
  /** First entry readable from disk or cache. */
  first: LogIndex;
  last: Position;
  /** Newest revision handed out by an entry of this log or of its base. */
  lastRevision: Revision;
  lastLogTime: number;
  /** First index of each term, growing in both. */
  #runs: Position[];
  /** Terms of positions below `first` that are known from elsewhere: what the next entry's `previous` may name. */
  #anchors: Position[];
  /** Cache of `#cacheStart` .. `#cacheStart + length - 1`. */
  #cache: Entry[] = [];
  #cacheStart: LogIndex;
  #cacheBytes = 0;

  constructor(
    recovered: RecoveredLog,
    options: {
      /** Of the store: all that there is of a log which has nothing after its snapshot. */
      readonly base: { readonly revision: Revision; readonly logTime: number };
      readonly cacheFrom: LogIndex;
      readonly anchors: readonly Position[];
    },
  ) {
    this.base = recovered.base;
    this.first = recovered.first;
    this.last = recovered.last;
    this.lastRevision = Math.max(recovered.lastRevision, options.base.revision) as Revision;
    this.lastLogTime = Math.max(recovered.lastLogTime, options.base.logTime);
    this.#runs = [...recovered.termRuns];
    this.#anchors = [recovered.last, ...options.anchors];
    this.#cacheStart = Math.min(options.cacheFrom, recovered.last.index + 1) as LogIndex;
  }

  /** Everything from the cache's start to the last entry is in memory. */
  get warm(): boolean {
    return this.cachedTo === this.last.index;
  }

  get cachedTo(): LogIndex {
    return (this.#cacheStart + this.#cache.length - 1) as LogIndex;
  }

  get cacheStart(): LogIndex {
    return this.#cacheStart;
  }

  get cacheBytes(): number {
    return this.#cacheBytes;
  }

  /** Undefined below the base, in what was dropped, and above the end. */
  termAt(index: LogIndex): Term | undefined {
    if (index === this.last.index) return this.last.term;
    if (index === this.base.index) return this.base.term;
    if (index > this.last.index) return undefined;
    if (index < this.first) return this.#anchors.find((anchor) => anchor.index === index)?.term;
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.index <= index) low = middle;
      else high = middle - 1;
    }
    const run = this.#runs[low];
    return run !== undefined && run.index <= index ? run.term : undefined;
  }

  /** Newest position with an index at most `position.index` and a term at most `position.term`. */
  newestAtOrBelow(position: Position): Position {
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at]!;
      if (run.term > position.term || run.index > position.index) continue;
      const next = this.#runs[at + 1];
      const end = next === undefined ? this.last.index : ((next.index - 1) as LogIndex);
      return { index: Math.min(end, position.index) as LogIndex, term: run.term };
    }
    return this.base;
  }

  append(entry: Entry): void {
    assert(entry.index === this.last.index + 1, `append of ${entry.index} after ${this.last.index}`);
    assert(
      entry.previousTerm === this.last.term,
      `append of ${entry.index} with previous term ${entry.previousTerm}`,
    );
    assert(this.warm, 'append to a log whose tail is not in memory');
    if (entry.term !== this.last.term || this.#runs.length === 0)
      this.#runs.push({ index: entry.index, term: entry.term });
    this.#cache.push(entry);
    this.#cacheBytes += entryBytes(entry);
    this.#moveEnd(entry);
  }

  /** Cuts the log before `from` and returns what it cut. What follows must be appended in the same step. */
  truncate(from: LogIndex): Entry[] {
    assert(from > this.base.index && from <= this.last.index, `truncation at ${from}`);
    assert(from >= this.#cacheStart, `truncation at ${from}, below the cache`);
    const index = (from - 1) as LogIndex;
    const term = this.termAt(index);
    assert(term !== undefined, `truncation at ${from}, and the term before it is not known`);
    const cut = this.#cache.splice(from - this.#cacheStart);
    for (const entry of cut) this.#cacheBytes -= entryBytes(entry);
    while ((this.#runs.at(-1)?.index ?? 0) >= from) this.#runs.pop();
    this.last = { index, term };
    const end = this.#cache.at(-1);
    if (end !== undefined) this.#moveEnd(end);
    return cut;
  }

  /** A snapshot at `position` replaces the log up to it; `keepTail`: what follows stays. */
  rebase(
    position: Position,
    state: { readonly revision: Revision; readonly logTime: number },
    keepTail: boolean,
  ): void {
    this.base = position;
    if (keepTail) {
      this.evictTo(position.index);
      this.first = (position.index + 1) as LogIndex;
      this.#cacheStart = Math.max(this.#cacheStart, this.first) as LogIndex;
      this.#dropRunsBelow(this.first);
      return;
    }
    this.#cache = [];
    this.#cacheBytes = 0;
    this.#runs = [];
    this.last = position;
    this.first = (position.index + 1) as LogIndex;
    this.#cacheStart = this.first;
    this.lastRevision = state.revision;
    this.lastLogTime = state.logTime;
  }

  /** Entries read back from disk, in order, right after what is cached. */
  warmWith(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.cachedTo + 1 || entry.index > this.last.index) continue;
      this.#cache.push(entry);
      this.#cacheBytes += entryBytes(entry);
    }
  }

  /** A hole was filled, and what before it had been cut with it was put right: the terms of these entries are known again. */
  repaired(entries: readonly Entry[]): void {
    const [from, to] = [entries[0]!.index, entries.at(-1)!.index];
    const behind = (to + 1) as LogIndex;
    const next = behind <= this.last.index ? [{ index: behind, term: this.termAt(behind)! }] : [];
    const runs = [
      ...this.#runs.filter((run) => run.index < from),
      ...entries.map(({ index, term }) => ({ index, term })),
      ...next,
      ...this.#runs.filter((run) => run.index > behind),
    ];
    this.#runs = runs.filter((run, at) => at === 0 || run.term !== runs[at - 1]!.term);
    // Nobody knew what the last one had handed out.
    if (to === this.last.index) this.#moveEnd(entries.at(-1)!);
  }

  /** Undefined when it is not in memory. */
  cached(index: LogIndex): Entry | undefined {
    return this.#cache[index - this.#cacheStart];
  }

  /** From `from` on, as many as fit in `bytesMax` but at least one; undefined when `from` is not in memory. */
  slice(from: LogIndex, options: { readonly to: LogIndex; readonly bytesMax: number }): Entry[] | undefined {
    if (from < this.#cacheStart || from > this.cachedTo) return undefined;
    const entries: Entry[] = [];
    let bytes = 0;
    for (let at = from - this.#cacheStart; at < this.#cache.length; at++) {
      const entry = this.#cache[at]!;
      if (entry.index > options.to) break;
      bytes += entryBytes(entry);
      if (entries.length > 0 && bytes > options.bytesMax) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Drops cached entries up to `index` while the cache is over `bytesMax`; a batch at a time. */
  evict(index: LogIndex, bytesMax: number): void {
    if (this.#cacheBytes <= bytesMax) return;
    let excess = this.#cacheBytes - bytesMax + (bytesMax >> 2);
    let count = 0;
    while (excess > 0 && count < this.#cache.length && this.#cache[count]!.index <= index) {
      excess -= entryBytes(this.#cache[count]!);
      count++;
    }
    this.#dropCached(count);
  }

  evictTo(index: LogIndex): void {
    this.#dropCached(Math.max(0, Math.min(this.#cache.length, index - this.#cacheStart + 1)));
  }

  /** The head up to `index` is gone from disk. */
  dropHead(index: LogIndex): void {
    if (index < this.first) return;
    const term = this.termAt(index);
    if (term !== undefined) this.remember({ index, term });
    this.forget(index);
  }

  /** Nothing up to `index` is read again, and what its term was is not known. */
  forget(index: LogIndex): void {
    if (index < this.first) return;
    this.first = Math.min(index + 1, this.last.index + 1) as LogIndex;
    this.#dropRunsBelow(this.first);
  }

  /** A position that is committed, and known not to change. */
  remember(position: Position): void {
    this.#anchors = [position, ...this.#anchors.slice(0, ANCHORS_MAX - 1)];
  }

  #dropCached(count: number): void {
    if (count === 0) return;
    for (const entry of this.#cache.splice(0, count)) this.#cacheBytes -= entryBytes(entry);
    this.#cacheStart = (this.#cacheStart + count) as LogIndex;
  }

  #dropRunsBelow(index: LogIndex): void {
    while (this.#runs.length > 1 && this.#runs[1]!.index <= index) this.#runs.shift();
  }

  #moveEnd(entry: Entry): void {
    this.last = { index: entry.index, term: entry.term };
    this.lastRevision = lastRevisionOf(entry);
    this.lastLogTime = entry.logTime;
  }
}
