import { HoldfastError, type Outcome, type Timer } from '@holdfast/types';
import type { Home } from '../home.ts';
import { LevelError } from '../level-error.ts';
import type { Seams } from '../seams.ts';

type EndCode = 'HOLDFAST_DEADLINE_EXCEEDED' | 'HOLDFAST_ABORTED' | 'LEVEL_DATABASE_NOT_OPEN';

export interface LongWaitParts {
  readonly seams: Seams;
  readonly home: Home;
  /** Undefined: without end. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Of one call made meanwhile. */
  readonly callMs: number;
}

const PAUSE_MS = 20;
const PAUSE_MS_MAX = 1000;

/** How long somebody waits who makes many calls meanwhile: for a time if one is given, until a signal, or the end of the database. */
export class LongWait {
  readonly #parts: LongWaitParts;
  readonly #ended = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  readonly #deadline: number;
  readonly #timer: Timer | undefined;
  readonly #onAbort = (): void => this.#end('HOLDFAST_ABORTED');
  #code: EndCode | undefined;
  /** What kept it from its end last. */
  obstacle: unknown;

  constructor(parts: LongWaitParts) {
    const { seams, timeoutMs, signal, home } = parts;
    this.#parts = parts;
    this.#deadline = seams.clock.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
    if (timeoutMs !== undefined)
      this.#timer = seams.clock.setTimer(timeoutMs, () => this.#end('HOLDFAST_DEADLINE_EXCEEDED'));
    home.attach(this);
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#code !== undefined;
  }

  /** Aborted when it is over: what was asked for is wanted no longer. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Of the next call. */
  get call(): { readonly timeoutMs: number; readonly signal: AbortSignal } {
    const leftMs = Math.max(1, this.#deadline - this.#parts.seams.clock.now());
    return { timeoutMs: Math.min(leftMs, this.#parts.callMs), signal: this.#ended.signal };
  }

  /** Why it is over. `outcome`: of all that was asked for meanwhile. */
  error(what: string, outcome: Outcome): Error {
    const code = this.#code ?? 'HOLDFAST_ABORTED';
    if (code === 'LEVEL_DATABASE_NOT_OPEN') return new LevelError(code, 'Database is not open');
    const isLate = code === 'HOLDFAST_DEADLINE_EXCEEDED';
    const cause = isLate ? this.obstacle : this.#parts.signal?.reason;
    const words = isLate ? 'was not to be had in the time given' : 'is wanted no longer';
    return new HoldfastError(code, `${what} ${words}`, { outcome, cause });
  }

  /**
   * Resolves after `ms`, as soon as it is over, or with `sooner`: a signal, since what waits for a promise again and again
   * stays with it.
   */
  wait(ms: number, sooner?: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#parts.seams.clock.setTimer(ms, over.resolve);
    const onEnd = (): void => over.resolve();
    const signals = sooner === undefined ? [this.#ended.signal] : [this.#ended.signal, sooner];
    for (const signal of signals) signal.addEventListener('abort', onEnd, { once: true });
    if (signals.some(({ aborted }) => aborted)) onEnd();
    return over.promise.finally(() => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener('abort', onEnd);
    });
  }

  /** Before the next try; full jitter, up to a bound that is doubled. */
  pause(tries: number): Promise<void> {
    const boundMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.min(tries, 16));
    return this.wait(this.#parts.seams.random.next() * boundMs);
  }

  /** With the database, which is closed only when what is to be left behind has been asked for. */
  close(): Promise<void> {
    this.#end('LEVEL_DATABASE_NOT_OPEN');
    return this.#settled.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What was asked for is had, or given up. */
  settle(): void {
    this.#timer?.cancel();
    this.#parts.home.detach(this);
    this.#parts.signal?.removeEventListener('abort', this.#onAbort);
    this.#settled.resolve();
  }

  #end(code: EndCode): void {
    if (this.isOver) return;
    this.#code = code;
    this.#ended.abort();
  }
}
