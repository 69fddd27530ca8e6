import {
  type Ack,
  type LogIndex,
  type SessionId,
  type Term,
  TransientMap,
  type WriteResult,
} from '@holdfast/types';
import { levelReached, type Reached } from './ack-rules.ts';

/** One attempt of a client that waits for an answer. */
export interface Waiter {
  readonly connection: number;
  readonly id: number;
  readonly ack: Ack;
  readonly deadline: number;
  /** An earlier attempt of the same (session, sequence) was the one that wrote. */
  readonly repeated: boolean;
  settled: boolean;
  /** Where its write is in the log; undefined while it is queued. */
  logged: LoggedWrite | undefined;
}

/** What was logged for it. */
export interface LoggedWrite {
  readonly index: LogIndex;
  readonly term: Term;
  readonly outcome:
    | { readonly kind: 'write'; readonly result: WriteResult }
    | { readonly kind: 'sessionOpened'; readonly session: SessionId }
    | { readonly kind: 'sessionClosed' };
}

const LEVELS: readonly Ack[] = ['local', 'quorum', 'all'];

/** Attempts whose write is logged, by level and index, each index in one primary's term. */
export class Waiters {
  readonly #byLevel: Readonly<Record<Ack, TransientMap<LogIndex, Waiter[]>>> = {
    local: new TransientMap(),
    quorum: new TransientMap(),
    all: new TransientMap(),
  };
  #reached: Reached;

  constructor(reached: Reached) {
    this.#reached = reached;
  }

  /** True when its level is reached already: then it is not kept, and the caller answers. */
  add(level: Ack, waiter: Waiter): boolean {
    const index = waiter.logged!.index;
    if (index <= this.#reached[level]) return true;
    const list = this.#byLevel[level].get(index);
    if (list === undefined) this.#byLevel[level].set(index, [waiter]);
    else list.push(waiter);
    return false;
  }

  /** Calls `settle` for every attempt whose level is reached now, in log order within a level. */
  advance(reached: Reached, settle: (waiter: Waiter, level: Ack) => void): void {
    const before = this.#reached;
    this.#reached = reached;
    for (const level of LEVELS) {
      const waiting = this.#byLevel[level];
      if (waiting.size === 0) continue;
      for (const index of dueIndexes(waiting, { above: before[level], to: reached[level] })) {
        const list = waiting.get(index);
        if (list === undefined) continue;
        waiting.delete(index);
        const strongest = levelReached(reached, index) ?? level;
        for (const waiter of list) settle(waiter, strongest);
      }
    }
  }

  /** Forgets who was answered otherwise, at its deadline: with a voter down `all` may never be reached. */
  dropSettled(index: LogIndex): void {
    for (const level of LEVELS) {
      const list = this.#byLevel[level].get(index);
      if (list === undefined) continue;
      const left = list.filter((waiter) => !waiter.settled);
      if (left.length > 0) this.#byLevel[level].set(index, left);
      else this.#byLevel[level].delete(index);
    }
  }

  /** Entries that somebody waits for, at each level. */
  get size(): number {
    return LEVELS.reduce((sum, level) => sum + this.#byLevel[level].size, 0);
  }

  /** Every attempt still waiting; forgets them. */
  drain(): Waiter[] {
    const waiters: Waiter[] = [];
    for (const level of LEVELS) {
      for (const list of this.#byLevel[level].values()) waiters.push(...list);
      this.#byLevel[level].clear();
    }
    return waiters;
  }

  get reached(): Reached {
    return this.#reached;
  }
}

/** In log order. A level may move by the whole length of the log at once: then what waits is fewer. */
function dueIndexes(
  waiting: TransientMap<LogIndex, Waiter[]>,
  range: { readonly above: LogIndex; readonly to: LogIndex },
): LogIndex[] {
  const length = range.to - range.above;
  if (length <= waiting.size) return Array.from({ length }, (_, at) => (range.above + 1 + at) as LogIndex);
  return [...waiting.keys()].filter((index) => index <= range.to).sort((a, b) => a - b);
}
