import { assert, type LogIndex, type Position, type Term } from '@holdfast/types';

/** Where the bytes of an entry are. */
export interface EntryLocation {
  readonly term: Term;
  /** 0: not written to a segment yet. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** An entry that is no longer, or never was, part of the log. */
export interface RemovedEntry extends EntryLocation {
  readonly index: LogIndex;
}

const INITIAL_CAPACITY = 1024;

/** In `#state`: nothing is known at this index. */
const ABSENT = 0;
const HELD = 1;

/**
 * The log from `first` to `last` by index: term and place of each entry, 21 bytes apiece.
 * After damage there may be indexes without an entry in between, see `gaps`.
 */
export class LogMap {
  #first: LogIndex = 1 as LogIndex;
  #last: Position = { index: 0 as LogIndex, term: 0 as Term };
  /** Slot 0 of the columns is this index; at most `#first`. */
  #origin = 1;
  #state: Uint8Array = new Uint8Array(INITIAL_CAPACITY);
  #terms: Float64Array = new Float64Array(INITIAL_CAPACITY);
  #segments: Uint32Array = new Uint32Array(INITIAL_CAPACITY);
  #offsets: Uint32Array = new Uint32Array(INITIAL_CAPACITY);
  #lengths: Uint32Array = new Uint32Array(INITIAL_CAPACITY);

  get first(): LogIndex {
    return this.#first;
  }

  /** The end of the log; its term is known even where the entry is not held. */
  get last(): Position {
    return this.#last;
  }

  holds(index: number): boolean {
    return index >= this.#first && index <= this.#last.index && this.#state[index - this.#origin] === HELD;
  }

  termAt(index: number): Term | undefined {
    return this.holds(index) ? (this.#terms[index - this.#origin] as Term) : undefined;
  }

  locate(index: number): EntryLocation | undefined {
    if (!this.holds(index)) return undefined;
    const slot = index - this.#origin;
    return {
      term: this.#terms[slot] as Term,
      segment: this.#segments[slot]!,
      offset: this.#offsets[slot]!,
      length: this.#lengths[slot]!,
    };
  }

  /** The log now is empty and ends at `last`. */
  reset(last: Position): void {
    this.#first = (last.index + 1) as LogIndex;
    this.#origin = this.#first;
    this.#last = last;
    this.#state.fill(ABSENT);
  }

  /** Puts one entry behind the end. Indexes skipped are gaps. */
  append(index: LogIndex, location: EntryLocation): void {
    assert(index > this.#last.index, 'an entry is appended behind the end of the log');
    this.extendTo({ index, term: location.term });
    this.place(index, location);
  }

  /** The log is known to end at `last`, behind its present end; nothing is held in between. */
  extendTo(last: Position): void {
    assert(last.index > this.#last.index, 'the log is extended behind its end');
    this.#reserve(last.index - this.#origin + 1);
    this.#state.fill(ABSENT, this.#last.index + 1 - this.#origin, last.index + 1 - this.#origin);
    this.#last = last;
  }

  /** Puts an entry in its place between first and last, whatever was there. */
  place(index: LogIndex, location: EntryLocation): void {
    assert(index >= this.#first && index <= this.#last.index, 'an entry is placed inside the log');
    const slot = index - this.#origin;
    this.#state[slot] = HELD;
    this.#terms[slot] = location.term;
    this.#segments[slot] = location.segment;
    this.#offsets[slot] = location.offset;
    this.#lengths[slot] = location.length;
  }

  /** Takes out one entry and leaves a gap. */
  takeOut(index: LogIndex): RemovedEntry | undefined {
    const location = this.locate(index);
    if (location === undefined) return undefined;
    this.#state[index - this.#origin] = ABSENT;
    return { index, ...location };
  }

  /**
   * Removes everything at or above `index`. Below `first` it also moves the beginning there: what came
   * before is not held, and nothing says that it ought to be.
   */
  truncateFrom(index: LogIndex, previousTerm: Term): RemovedEntry[] {
    const removed: RemovedEntry[] = [];
    for (let at = Math.max(index, this.#first); at <= this.#last.index; at++) {
      const entry = this.takeOut(at as LogIndex);
      if (entry !== undefined) removed.push(entry);
    }
    const last = { index: (index - 1) as LogIndex, term: previousTerm };
    if (index <= this.#first) this.reset(last);
    else if (last.index < this.#last.index) this.#last = last;
    return removed;
  }

  /** Forgets everything below `index`, which is at most one beyond the end. */
  dropBelow(index: LogIndex): void {
    assert(index <= this.#last.index + 1, 'the log begins at most behind its end');
    if (index > this.#last.index) this.reset(this.#last);
    else if (index > this.#first) this.#first = index;
  }

  /** Runs of indexes between first and last that are not held. */
  gaps(): { from: LogIndex; to: LogIndex }[] {
    const gaps: { from: LogIndex; to: LogIndex }[] = [];
    for (let index = this.#first; index <= this.#last.index; index++) {
      if (this.holds(index)) continue;
      const gap = gaps.at(-1);
      if (gap !== undefined && gap.to === index - 1) gap.to = index;
      else gaps.push({ from: index, to: index });
    }
    return gaps;
  }

  /** The first index below `below` that is not held, else `below`. */
  firstAbsent(below: LogIndex): LogIndex {
    let index = this.#first as number;
    while (index < below && this.holds(index)) index++;
    return Math.min(index, below) as LogIndex;
  }

  /** The lowest index from which on all are held up to `to`; `to` + 1 if that one is not. */
  heldFrom(to: LogIndex): LogIndex {
    let index = to + 1;
    while (this.holds(index - 1)) index--;
    return index as LogIndex;
  }

  /** First held index of each term. */
  termRuns(): Position[] {
    const runs: Position[] = [];
    for (let index = this.#first; index <= this.#last.index; index++) {
      const term = this.termAt(index);
      if (term !== undefined && term !== runs.at(-1)?.term) runs.push({ index, term });
    }
    return runs;
  }

  /** The lowest segment that holds an entry at or above `index`; Infinity if none does. Unwritten ones do not count. */
  lowestSegmentFrom(index: LogIndex): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (let at = Math.max(index, this.#first); at <= this.#last.index; at++) {
      const slot = at - this.#origin;
      const segment = this.#segments[slot]!;
      if (this.#state[slot] === HELD && segment !== 0 && segment < lowest) lowest = segment;
    }
    return lowest;
  }

  /** The highest index held in a segment below `segment`; 0 if there is none. */
  highestIndexBelowSegment(segment: number): LogIndex {
    for (let at = this.#last.index as number; at >= this.#first; at--) {
      const slot = at - this.#origin;
      const place = this.#segments[slot]!;
      if (this.#state[slot] === HELD && place !== 0 && place < segment) return at as LogIndex;
    }
    return 0 as LogIndex;
  }

  /** Room for so many slots; slots of what was dropped are given up first. */
  #reserve(slots: number): void {
    if (slots <= this.#state.length) return;
    const dropped = this.#first - this.#origin;
    const needed = slots - dropped;
    let capacity = this.#state.length;
    while (capacity < needed * 1.5) capacity *= 2;
    const moved = <Column extends Uint8Array | Uint32Array | Float64Array>(
      from: Column,
      to: Column,
    ): Column => {
      to.set(from.subarray(dropped));
      return to;
    };
    this.#state = moved(this.#state, new Uint8Array(capacity));
    this.#terms = moved(this.#terms, new Float64Array(capacity));
    this.#segments = moved(this.#segments, new Uint32Array(capacity));
    this.#offsets = moved(this.#offsets, new Uint32Array(capacity));
    this.#lengths = moved(this.#lengths, new Uint32Array(capacity));
    this.#origin = this.#first;
  }
}
