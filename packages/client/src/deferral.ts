import { type Clock, HoldfastError, type Timer } from '@holdfast/types';
import type { AbstractLevel } from 'abstract-level';
import { aborted } from './aborted.ts';
import { LevelError } from './level-error.ts';
import { checkedPositive, checkedSignal, DEADLINE } from './options.ts';
import { withOwnBytes } from './own-bytes.ts';

/** What may end a call before it is made. */
export interface CallEnd {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DeferralParts {
  readonly clock: Clock;
  /** Of a call that names none, milliseconds. */
  readonly timeoutMs: number;
  /** Of the database. */
  readonly openTimeoutMs: number;
}

/** Of a call that waits until it is ended, unless it names a time. */
export const AS_LONG_AS_IT_TAKES: number = Number.POSITIVE_INFINITY;

/** Undocumented in abstract-level's types: what the public methods of an iterator come to. */
type Turns = Record<'_next' | '_nextv' | '_all' | '_close', (...given: unknown[]) => Promise<unknown>>;

/**
 * Keeps calls while their database opens, for as long as their time and their signal allow. abstract-level's own way
 * heeds neither, and would make later what its caller has given up.
 */
export class Deferral {
  readonly #db: AbstractLevel<Buffer, unknown, unknown>;
  readonly #parts: DeferralParts;

  constructor(db: unknown, parts: DeferralParts) {
    this.#db = db as AbstractLevel<Buffer, unknown, unknown>;
    this.#parts = parts;
  }

  /**
   * Makes the call once the database is open; rejects as soon as it is aborted or its time is up. Its options are as they
   * were, since hooks and events are shown them, but for `DEADLINE`. Undefined: the database is not opening. `call` is given
   * `first` and `second` with the bytes that they have now; one of an open database copies what it encodes.
   */
  held<End extends CallEnd, Result, First, Second>(
    call: (left: End, first: First, second: Second) => Promise<Result>,
    options: End | undefined,
    first?: First,
    second?: Second,
  ): Promise<Result> | undefined {
    if (this.#db.status !== 'opening') return undefined;
    const own = withOwnBytes({ ...(options as End) });
    const [ownFirst, ownSecond] = [withOwnBytes(first as First), withOwnBytes(second as Second)];
    return this.#held((deadline) => call({ ...own, [DEADLINE]: deadline }, ownFirst, ownSecond), options);
  }

  /**
   * The same for a method that is not abstract-level's: it is given the time that is left as `timeoutMs`. Undefined only
   * if the database is open; throws if it is closed. `timeoutMs`: if the call names none.
   */
  heldOrOpen<End extends CallEnd, Result, First>(
    call: (left: End, first: First) => Promise<Result>,
    options: End | undefined,
    first?: First,
    timeoutMs?: number,
  ): Promise<Result> | undefined {
    const { status } = this.#db;
    if (status === 'open') return undefined;
    if (status !== 'opening') throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    const { clock } = this.#parts;
    const own = withOwnBytes(options as End);
    const ownFirst = withOwnBytes(first as First);
    const withTime = (deadline: number): End =>
      Number.isFinite(deadline) ? { ...own, timeoutMs: deadline - clock.now() } : own;
    return this.#held((deadline) => call(withTime(deadline), ownFirst), options, timeoutMs);
  }

  /** The same for each turn of an iterator that is made while the database opens. */
  heldIterator<Made extends object>(made: Made, options: CallEnd | undefined): Made {
    if (this.#db.status !== 'opening') return made;
    const turns = made as Turns;
    for (const name of ['_next', '_nextv', '_all'] as const) {
      const turn = turns[name].bind(made);
      // Nothing is asked of it before the database is open, so that a turn given up takes nothing from the next.
      turns[name] = (...given) =>
        this.held(() => turn(...given), options)?.catch(asIterator) ?? turn(...given);
    }
    // Whoever gives it up does not wait for a database that it needs no longer.
    const close = turns._close.bind(made);
    turns._close = async () => {
      const closing = close();
      if (this.#db.status === 'opening') closing.catch(() => undefined);
      else await closing;
    };
    return made;
  }

  // Async for what is wrong with options; the call has its place among those that wait when this returns.
  async #held<Result>(
    call: (deadline: number) => Promise<Result>,
    options: CallEnd | undefined,
    defaultMs: number = this.#parts.timeoutMs,
  ): Promise<Result> {
    const { clock, openTimeoutMs } = this.#parts;
    const timeoutMs = checkedPositive('timeoutMs', options?.timeoutMs) ?? defaultMs;
    const signal = checkedSignal(options?.signal);
    const deadline = clock.now() + timeoutMs;
    const ended = Promise.withResolvers<Result>();
    let timer: Timer | undefined;
    let isOver = false;
    const end = (): void => {
      isOver = true;
      timer?.cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      end();
      ended.reject(aborted('the call was aborted before the database was open', signal));
    };
    const onLate = (): void => {
      end();
      ended.reject(notOpenInTime());
    };
    const begin = (): void => {
      if (isOver) return;
      end();
      if (deadline <= clock.now() && this.#db.status === 'open') ended.reject(notOpenInTime());
      else ended.resolve(made(call, deadline));
    };
    if (signal?.aborted) onAbort();
    else {
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#db.defer(begin);
      // Otherwise the opening ends before, and why it failed says more than that it took so long.
      if (timeoutMs < openTimeoutMs) timer = clock.setTimer(timeoutMs, onLate);
    }
    return ended.promise;
  }
}

/** Whatever threw in the middle of what abstract-level lets go would leave all behind it waiting for ever. */
async function made<Result>(call: (deadline: number) => Promise<Result>, deadline: number): Promise<Result> {
  return await call(deadline);
}

function notOpenInTime(): HoldfastError {
  return new HoldfastError('HOLDFAST_DEADLINE_EXCEEDED', 'the database was not open within the time given', {
    outcome: 'not-applied',
  });
}

/** Iterators are aborted by abstract-level's rules. */
function asIterator(error: unknown): never {
  if (error instanceof HoldfastError && error.code === 'HOLDFAST_ABORTED')
    throw new LevelError('LEVEL_ABORTED', 'Operation has been aborted', error.cause);
  throw error;
}
