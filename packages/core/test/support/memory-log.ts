import {
  assert,
  type Entry,
  type Exclusion,
  type Genesis,
  type LogIndex,
  lastRevisionOf,
  type Position,
  type Revision,
  type Term,
  type Ticket,
} from '@holdfast/types';
import type { HardState, LogRecord, PersistOrder, RecoveredLog } from '../../src/api.ts';

const NOWHERE: Position = { index: 0 as LogIndex, term: 0 as Term };

/** What a run of frames adds up to: the rules of recovery, over orders instead of bytes. */
interface Folded {
  hardState: HardState;
  commitFloor: LogIndex;
  ticket: Ticket;
  genesis: Genesis | undefined;
  exclusion: Exclusion | undefined;
  base: Position;
  entries: Map<LogIndex, Entry>;
  last: Position;
  superseded: Entry[];
}

/** A write-ahead log of orders in memory: first-in first-out, durable up to a ticket, the rest lost by a crash. */
export class MemoryLog {
  #frames: PersistOrder[] = [];
  /** Frames before it are on stable storage. */
  #synced = 0;
  /** Entries below it are dropped from the head. */
  #first = 1 as LogIndex;
  #judged: Set<string> = new Set();

  append(order: PersistOrder): void {
    const before = this.#frames.at(-1)?.ticket;
    assert(before === undefined || order.ticket === before + 1, `ticket ${order.ticket} after ${before}`);
    this.#frames.push(order);
  }

  get outstanding(): readonly PersistOrder[] {
    return this.#frames.slice(this.#synced);
  }

  /** Syncs the oldest `count` orders under way; the highest ticket that is durable then. */
  sync(count: number = Number.POSITIVE_INFINITY): Ticket | undefined {
    const synced = Math.min(this.#frames.length, this.#synced + count);
    if (synced === this.#synced) return undefined;
    this.#synced = synced;
    return this.#frames[synced - 1]!.ticket;
  }

  /** A crash: of what was under way, the oldest `kept` orders reached the disk. */
  crash(kept: number): void {
    this.#frames.length = Math.min(this.#frames.length, this.#synced + kept);
    this.#synced = this.#frames.length;
  }

  /** Damage that nothing behind it betrays: the newest `count` frames on stable storage are gone. */
  loseTail(count: number): void {
    this.#synced -= count;
    this.#frames.length = this.#synced;
  }

  clone(): MemoryLog {
    const copy = new MemoryLog();
    copy.#frames = this.#frames.slice();
    copy.#synced = this.#synced;
    copy.#first = this.#first;
    copy.#judged = new Set(this.#judged);
    return copy;
  }

  judged(entries: readonly Entry[]): void {
    for (const entry of entries) this.#judged.add(name(entry));
  }

  removeHead(below: LogIndex): void {
    if (below > this.#first) this.#first = below;
  }

  /** As a reader of the running log sees it: what is not synced yet too. */
  read(range: { from: LogIndex; to: LogIndex; bytesMax: number; bytesOf(entry: Entry): number }): Entry[] {
    const { entries } = this.#fold(this.#frames.length);
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = range.from; index <= range.to; index = (index + 1) as LogIndex) {
      const entry = index < this.#first ? undefined : entries.get(index);
      if (entry === undefined) break;
      bytes += range.bytesOf(entry);
      if (found.length > 0 && bytes > range.bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  /** The entries that are on stable storage, or all that was written. */
  entries(which: 'durable' | 'written'): Entry[] {
    const folded = this.#fold(which === 'durable' ? this.#synced : this.#frames.length);
    return [...folded.entries.values()]
      .filter((entry) => entry.index >= this.#first)
      .sort((a, b) => a.index - b.index);
  }

  /** Whether this entry, or a snapshot that covers it, is on stable storage. */
  holds(position: Position): boolean {
    const folded = this.#fold(this.#synced);
    if (position.index <= folded.base.index) return true;
    return folded.entries.get(position.index)?.term === position.term;
  }

  durableHardState(): HardState {
    return this.#fold(this.#synced).hardState;
  }

  recover(): RecoveredLog {
    const folded = this.#fold(this.#synced);
    const held = this.entries('durable').filter((entry) => entry.index > folded.base.index);
    const newest = held.at(-1);
    const termRuns: Position[] = [];
    for (const entry of held) {
      if (termRuns.at(-1)?.term !== entry.term) termRuns.push({ index: entry.index, term: entry.term });
    }
    return {
      hardState: folded.hardState,
      commitFloor: folded.commitFloor,
      ticket: folded.ticket,
      ...(folded.genesis === undefined ? {} : { genesis: folded.genesis }),
      ...(folded.exclusion === undefined ? {} : { exclusion: folded.exclusion }),
      base: folded.base,
      first: (held[0]?.index ?? folded.last.index + 1) as LogIndex,
      last: folded.last,
      lastRevision: newest === undefined ? (0 as Revision) : lastRevisionOf(newest),
      lastLogTime: newest?.logTime ?? 0,
      termRuns,
      superseded: folded.superseded.filter((entry) => !this.#judged.has(name(entry))),
      holes: [],
    };
  }

  #fold(frames: number): Folded {
    const folded: Folded = {
      hardState: { term: 0 as Term },
      commitFloor: 0 as LogIndex,
      ticket: 0 as Ticket,
      genesis: undefined,
      exclusion: undefined,
      base: NOWHERE,
      entries: new Map(),
      last: NOWHERE,
      superseded: [],
    };
    for (const order of this.#frames.slice(0, frames)) {
      assert(order.hardState.term >= folded.hardState.term, 'a frame takes the term back');
      foldRecord(folded, order.record);
      folded.hardState = order.hardState;
      folded.commitFloor = Math.max(folded.commitFloor, order.commitFloor) as LogIndex;
      folded.ticket = order.ticket;
      folded.last = order.last;
    }
    return folded;
  }
}

function foldRecord(folded: Folded, record: LogRecord): void {
  switch (record.kind) {
    case 'entries': {
      const first = record.entries[0];
      if (first === undefined) return;
      supersede(folded, (entry) => entry.index >= first.index);
      for (const entry of record.entries) {
        const before = folded.entries.get((entry.index - 1) as LogIndex);
        const previous =
          before?.term ?? (folded.base.index === entry.index - 1 ? folded.base.term : undefined);
        assert(previous === entry.previousTerm, `entry ${name(entry)} does not follow what is held`);
        folded.entries.set(entry.index, entry);
      }
      return;
    }
    case 'genesis':
      folded.genesis = record.genesis;
      return;
    case 'exclusion':
      folded.exclusion = record.reason;
      return;
    case 'base':
      supersede(folded, (entry) => !(record.keepTail && entry.index > record.position.index));
      folded.base = record.position;
      return;
    case 'repair':
      for (const entry of record.entries) folded.entries.set(entry.index, entry);
  }
}

function supersede(folded: Folded, gone: (entry: Entry) => boolean): void {
  for (const entry of [...folded.entries.values()]) {
    if (!gone(entry)) continue;
    folded.entries.delete(entry.index);
    folded.superseded.push(entry);
  }
}

function name(entry: Entry): string {
  return `${entry.index}@${entry.term}`;
}
