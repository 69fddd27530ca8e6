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
import type { HardState, PersistOrder, RecoveredLog } from '../../src/api.ts';

const NOWHERE: Position = { index: 0 as LogIndex, term: 0 as Term };

/** What a run of frames adds up to: the rules of recovery, over orders instead of bytes. */
interface Folded {
  hardState: HardState;
  commitFloor: LogIndex;
  ticket: Ticket;
  genesis: Genesis | undefined;
  exclusion: Exclusion | undefined;
  base: Position;
  baseDirectory: string | undefined;
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
  /** Frames that were synced and cannot be read any more. */
  #lost: Set<PersistOrder> = new Set();
  /** Folding again gives the same until something changes. */
  readonly #folded: Map<number, Folded> = new Map();

  append(order: PersistOrder): void {
    const before = this.#frames.at(-1)?.ticket;
    assert(before === undefined || order.ticket === before + 1, `ticket ${order.ticket} after ${before}`);
    this.#frames.push(order);
    this.#folded.delete(this.#frames.length);
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
    this.#folded.clear();
  }

  /** A few frames with entries, somewhere before the last, cannot be read any more. False if there are none. */
  damage(dice: { draw(below: number): number }): boolean {
    const frames = this.#frames.slice(0, this.#synced - 1);
    const able = frames.filter(
      ({ record }) => record.kind === 'entries' && (record.entries[0]?.index ?? 0) >= this.#first,
    );
    if (able.length === 0) return false;
    const at = dice.draw(able.length);
    for (const order of able.slice(at, at + 1 + dice.draw(3))) this.#lost.add(order);
    this.#folded.clear();
    return true;
  }

  /** The frames that hold entries `from`..`to` of `term` cannot be read any more. */
  loseEntries(range: { readonly from: number; readonly to: number; readonly term: number }): void {
    for (const order of this.#frames.slice(0, this.#synced - 1)) {
      const entries = order.record.kind === 'entries' ? order.record.entries : [];
      const isHit = entries.some(
        ({ index, term }) => index >= range.from && index <= range.to && term === range.term,
      );
      if (isHit) this.#lost.add(order);
    }
    this.#folded.clear();
  }

  /** Damage that nothing behind it betrays: the newest `count` frames on stable storage are gone. */
  loseTail(count: number): void {
    this.#synced -= count;
    this.#frames.length = this.#synced;
    this.#folded.clear();
  }

  clone(): MemoryLog {
    const copy = new MemoryLog();
    copy.#frames = this.#frames.slice();
    copy.#synced = this.#synced;
    copy.#first = this.#first;
    copy.#judged = new Set(this.#judged);
    copy.#lost = new Set(this.#lost);
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

  /** On stable storage, readable or not. */
  isDurable(position: Position): boolean {
    return this.#fold(this.#synced).last.index >= position.index;
  }

  durableHardState(): HardState {
    return this.#fold(this.#synced).hardState;
  }

  recover(): RecoveredLog {
    const folded = this.#fold(this.#synced);
    const held = this.entries('durable').filter((entry) => entry.index > folded.base.index);
    const newest = held.at(-1);
    const first = Math.max(this.#first, folded.base.index + 1) as LogIndex;
    const holes: { from: LogIndex; to: LogIndex }[] = [];
    for (let index = first; index <= folded.last.index; index = (index + 1) as LogIndex) {
      if (folded.entries.has(index)) continue;
      if (holes.at(-1)?.to === index - 1) holes.at(-1)!.to = index;
      else holes.push({ from: index, to: index });
    }
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
      ...(folded.baseDirectory === undefined ? {} : { baseDirectory: folded.baseDirectory }),
      first,
      last: folded.last,
      lastRevision: newest === undefined ? (0 as Revision) : lastRevisionOf(newest),
      lastLogTime: newest?.logTime ?? 0,
      termRuns,
      superseded: folded.superseded.filter((entry) => !this.#judged.has(name(entry))),
      holes,
    };
  }

  #fold(frames: number): Folded {
    const known = this.#folded.get(frames);
    if (known !== undefined) return known;
    const folded: Folded = {
      hardState: { term: 0 as Term },
      commitFloor: 0 as LogIndex,
      ticket: 0 as Ticket,
      genesis: undefined,
      exclusion: undefined,
      base: NOWHERE,
      baseDirectory: undefined,
      entries: new Map(),
      last: NOWHERE,
      superseded: [],
    };
    for (const order of this.#frames.slice(0, frames)) {
      if (this.#lost.has(order)) continue;
      assert(order.hardState.term >= folded.hardState.term, 'a frame takes the term back');
      foldRecord(folded, order, this.#lost.size > 0);
      folded.hardState = order.hardState;
      folded.commitFloor = Math.max(folded.commitFloor, order.commitFloor) as LogIndex;
      folded.ticket = order.ticket;
      folded.last = order.last;
      if (this.#lost.size > 0) supersede(folded, (entry) => entry.index > order.last.index);
    }
    if (this.#lost.size > 0) disownStrangers(folded, this.#first);
    this.#folded.set(frames, folded);
    return folded;
  }
}

function foldRecord(folded: Folded, { record, commitFloor }: PersistOrder, damaged: boolean): void {
  switch (record.kind) {
    case 'entries': {
      const first = record.entries[0];
      if (first === undefined) return;
      supersede(folded, (entry) => entry.index >= first.index);
      for (const entry of record.entries) {
        const before = folded.entries.get((entry.index - 1) as LogIndex);
        const previous =
          before?.term ?? (folded.base.index === entry.index - 1 ? folded.base.term : undefined);
        assert(
          damaged || previous === entry.previousTerm,
          `entry ${name(entry)} does not follow what is held`,
        );
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
    case 'base': {
      const gone = (entry: Entry) => !(record.keepTail && entry.index > record.position.index);
      // What the frame knows committed is in the snapshot: nobody need judge it.
      drop(folded, (entry) => gone(entry) && entry.index <= commitFloor);
      supersede(folded, gone);
      folded.base = record.position;
      folded.baseDirectory = record.directory;
      return;
    }
    case 'repair':
      for (const entry of record.entries) {
        supersede(folded, (held) => held.index === entry.index && held.term !== entry.term);
        if (entry.index > folded.base.index) folded.entries.set(entry.index, entry);
      }
  }
}

/**
 * A lost frame may have replaced entries that are still read. Whoever stands before an entry that names another
 * term is such, and so is one of a higher term; how far that goes is for whoever repairs the gap.
 */
function disownStrangers(folded: Folded, first: LogIndex): void {
  let named: Term | undefined = folded.last.term;
  let bound = folded.last.term;
  for (let index = folded.last.index; index >= first && index > folded.base.index; index--) {
    const entry = folded.entries.get(index as LogIndex);
    const stranger: boolean =
      entry !== undefined && (named === undefined ? entry.term > bound : entry.term !== named);
    if (stranger) supersede(folded, (held) => held === entry);
    named = stranger ? undefined : entry?.previousTerm;
    if (!stranger && entry !== undefined) bound = entry.term;
  }
}

function supersede(folded: Folded, gone: (entry: Entry) => boolean): void {
  for (const entry of [...folded.entries.values()]) {
    if (!gone(entry)) continue;
    folded.entries.delete(entry.index);
    folded.superseded.push(entry);
  }
}

function drop(folded: Folded, gone: (entry: Entry) => boolean): void {
  for (const entry of [...folded.entries.values()]) if (gone(entry)) folded.entries.delete(entry.index);
}

function name(entry: Entry): string {
  return `${entry.index}@${entry.term}`;
}
