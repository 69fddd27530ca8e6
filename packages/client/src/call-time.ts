import { HoldfastError, type Outcome } from '@holdfast/types';
import { aborted } from './aborted.ts';
import type { Seams } from './seams.ts';

/** The time and the signal of one call that is made of several, each of which gets what is left. */
export class CallTime {
  readonly #seams: Pick<Seams, 'clock' | 'random'>;
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;
  /** Why the call has not come to its end so far: told as the cause when time is up. */
  obstacle: HoldfastError | undefined = undefined;

  constructor(seams: Pick<Seams, 'clock' | 'random'>, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#seams = seams;
    this.#deadline = seams.clock.now() + timeoutMs;
    this.#signal = signal;
  }

  /** For the next part. Throws if there is no time left, or the call was aborted, before it is begun. */
  left(): { readonly timeoutMs: number; readonly signal: AbortSignal | undefined } {
    const end = this.#ended();
    if (end !== undefined) throw end;
    return { timeoutMs: this.#leftMs, signal: this.#signal };
  }

  /**
   * Waits for what somebody else does, at most as long as the call has time. What it does later is not seen. `outcome`: of
   * the call, if it is not waited for to its end.
   */
  async within<Result>(
    work: Result | PromiseLike<Result>,
    outcome: Outcome = 'not-applied',
  ): Promise<Result> {
    const ended = Promise.withResolvers<never>();
    const end = this.#ended(outcome);
    if (end !== undefined) ended.reject(end);
    const onAbort = (): void => ended.reject(this.#aborted(outcome));
    const onLate = (): void => ended.reject(this.#over(outcome));
    const timer = this.#seams.clock.setTimer(Math.max(0, this.#leftMs), onLate);
    this.#signal?.addEventListener('abort', onAbort, { once: true });
    try {
      // Raced even if the call is over: `work` goes on, and its failure, if nobody heard it, would end the process.
      return await Promise.race([ended.promise, work]);
    } finally {
      timer.cancel();
      this.#signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Full jitter: any time up to `ms`. */
  pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#seams.clock.setTimer(this.#seams.random.next() * ms, () => over.resolve());
    return this.within(over.promise).finally(() => timer.cancel());
  }

  get #leftMs(): number {
    return this.#deadline - this.#seams.clock.now();
  }

  #ended(outcome?: Outcome): HoldfastError | undefined {
    if (this.#signal?.aborted) return this.#aborted(outcome);
    return this.#leftMs <= 0 ? this.#over(outcome) : undefined;
  }

  #over(outcome: Outcome = 'not-applied'): HoldfastError {
    return new HoldfastError(
      'HOLDFAST_DEADLINE_EXCEEDED',
      'the call did not come to its end in the time given',
      { outcome, cause: this.obstacle },
    );
  }

  #aborted(outcome?: Outcome): HoldfastError {
    return aborted('the call was aborted', this.#signal, outcome);
  }
}
