import {
  assertNever,
  type Condition,
  HoldfastError,
  type Operation,
  type Revision,
  type StepResult,
} from '@holdfast/types';
import type { CallTime } from '../call-time.ts';
import type { Requests } from '../requests.ts';
import { LeaseBook, type LeaseChange, type LeaseEntry, type LeaseKey } from './lease-book.ts';
import { Turns } from './turns.ts';

export interface LeaseKeeperParts {
  /** Its key, as it is stored. */
  readonly anchor: Uint8Array;
  /** What the anchor holds after that attempt, unlike any other lease's. */
  encoded(attempt: number): Uint8Array;
  /** Undefined: it is not of this lease. */
  attemptOf(value: Uint8Array): number | undefined;
  readonly ttlMs: number;
  /** In keys as they are stored. */
  readonly requests: Requests;
  onDetached(key: LeaseKey): void;
}

/** done: carried out. refused: some key is not the lease's any more. gone: the lease is not there any more. */
type Ending = 'done' | 'refused' | 'gone';

interface Attempt {
  readonly changes: readonly LeaseChange[];
  /** Must still be the lease's. */
  readonly entries: readonly LeaseEntry[];
  /** Of what is put. */
  readonly value?: Uint8Array | undefined;
  /** The anchor goes. */
  readonly isEnd?: boolean;
}

/** Keeps the keys of one lease in the cluster: one transaction at a time, each of them decided by what `LeaseBook` knows. */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  readonly #book = new LeaseBook();
  readonly #turns = new Turns();
  #isGone = false;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
  }

  get book(): Omit<LeaseBook, 'begin' | 'detach' | `on${string}`> {
    return this.#book;
  }

  /** Does `work` when nothing else is under way, which is as soon as that ends if it is urgent. */
  async inTurn<Result>(
    time: CallTime,
    { isUrgent }: { readonly isUrgent: boolean },
    work: () => Promise<Result>,
  ): Promise<Result> {
    const turn = this.#turns.take({ isUrgent });
    try {
      await time.within(turn);
    } catch (error) {
      void turn.then(() => this.#turns.end());
      throw error;
    }
    try {
      return await work();
    } finally {
      this.#turns.end();
    }
  }

  // What follows is called in turn. It tells whether the lease was there.

  /** Makes it, or renews it alone. */
  async touch(time: CallTime): Promise<boolean> {
    return (await this.#run(time, () => ({ changes: [], entries: [] }))) === 'done';
  }

  async put(time: CallTime, key: LeaseKey, value: Uint8Array): Promise<boolean> {
    const changes = [{ kind: 'put', key }] as const;
    return (await this.#run(time, () => ({ changes, entries: [], value }))) === 'done';
  }

  /** Undefined: the key was not the lease's. */
  async leave(time: CallTime, stored: Uint8Array, kind: 'del' | 'persist'): Promise<boolean | undefined> {
    if (!(await this.#settled(time))) return false;
    const entry = this.#book.entry(stored);
    if (entry === undefined) return undefined;
    const ending = await this.#run(time, () => ({ changes: [{ kind, key: entry.key }], entries: [entry] }));
    if (ending !== 'refused') return ending === 'done';
    this.#detach(entry);
    return undefined;
  }

  /** All that are still the lease's, together. */
  renew(time: CallTime): Promise<boolean> {
    return this.#withAll(time, (entries) => ({
      entries,
      changes: entries.map(({ key }) => ({ kind: 'renew', key })),
    }));
  }

  /** Deletes all that are still the lease's, together. */
  end(time: CallTime): Promise<boolean> {
    return this.#withAll(time, (entries) => ({
      entries,
      changes: entries.map(({ key }) => ({ kind: 'del', key })),
      isEnd: true,
    }));
  }

  async #withAll(time: CallTime, attempt: (entries: readonly LeaseEntry[]) => Attempt): Promise<boolean> {
    for (;;) {
      const ending = await this.#run(time, () => attempt(this.#book.entries));
      if (ending !== 'refused') return ending === 'done';
      await this.#findLost(time, this.#book.entries);
    }
  }

  /** At least one of them is the lease's no more. A transaction does not say which: halves are asked for. */
  async #findLost(time: CallTime, entries: readonly LeaseEntry[]): Promise<void> {
    const [first] = entries;
    if (first !== undefined && entries.length === 1) return this.#detach(first);
    const middle = Math.ceil(entries.length / 2);
    for (const half of [entries.slice(0, middle), entries.slice(middle)]) {
      const ending = await this.#run(time, () => ({ changes: [], entries: half }));
      if (ending === 'refused') await this.#findLost(time, half);
    }
  }

  #detach({ key }: LeaseEntry): void {
    this.#book.detach(key.stored);
    this.#parts.onDetached(key);
  }

  async #run(time: CallTime, attempt: () => Attempt): Promise<Ending> {
    if (!(await this.#settled(time))) return 'gone';
    return this.#attempt(time, attempt());
  }

  /** What became of all that was attempted is known. */
  async #settled(time: CallTime): Promise<boolean> {
    while (this.#book.isUnsure && !this.#isGone) await this.#attempt(time, { changes: [], entries: [] });
    return !this.#isGone;
  }

  async #attempt(time: CallTime, attempt: Attempt): Promise<Ending> {
    const left = time.left();
    const number = this.#book.begin(attempt.changes);
    const answer = await this.#transact(number, attempt, left);
    const [result] = answer.steps;
    if (answer.branch === 'then' && result?.kind === 'changed') {
      this.#book.onApplied(number, result.revision);
      this.#isGone = attempt.isEnd === true;
      return 'done';
    }
    this.#book.onNotApplied(number);
    if (result?.kind === 'found') {
      if (result.revision === this.#book.anchor) return 'refused';
      const found = this.#parts.attemptOf(result.value);
      // An earlier attempt, whose answer was lost: there is one only where there were no conditions beside it.
      if (found !== undefined && this.#book.onApplied(found, result.revision)) return 'refused';
    }
    this.#isGone = true;
    return 'gone';
  }

  async #transact(
    number: number,
    attempt: Attempt,
    options: ReturnType<CallTime['left']>,
  ): Promise<{ readonly branch: 'then' | 'else'; readonly steps: readonly StepResult[] }> {
    const { anchor, requests, ttlMs } = this.#parts;
    const { changes, entries, value, isEnd } = attempt;
    const first: Operation =
      isEnd === true
        ? { kind: 'del', key: anchor }
        : { kind: 'put', key: anchor, value: this.#parts.encoded(number), ttlMs };
    try {
      const { result } = await requests.transaction(
        {
          conditions: [this.#anchorCondition, ...entries.map(conditionOf)],
          operations: [first, ...changes.map((change) => operationOf(change, value, ttlMs))],
          otherwise: [{ kind: 'get', key: anchor }],
        },
        { ...options, ack: 'quorum' },
      );
      if (result.kind === 'transaction') return result;
      throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', 'no result of a transaction');
    } catch (error) {
      if (error instanceof HoldfastError && error.outcome === 'not-applied') this.#book.onNotApplied(number);
      else this.#book.onUnknown();
      throw error;
    }
  }

  get #anchorCondition(): Condition {
    const key = this.#parts.anchor;
    const revision = this.#book.anchor;
    return revision === 0 ? { kind: 'absent', key } : { kind: 'revision', key, revision };
  }
}

function conditionOf({ key, revision }: { readonly key: LeaseKey; readonly revision: Revision }): Condition {
  return { kind: 'revision', key: key.stored, revision };
}

function operationOf({ kind, key }: LeaseChange, value: Uint8Array | undefined, ttlMs: number): Operation {
  switch (kind) {
    case 'put':
      return { kind: 'put', key: key.stored, value: value!, ttlMs };
    case 'renew':
      return { kind: 'expire', key: key.stored, ttlMs };
    case 'del':
      return { kind: 'del', key: key.stored };
    case 'persist':
      return { kind: 'expire', key: key.stored };
    default:
      return assertNever(kind);
  }
}
