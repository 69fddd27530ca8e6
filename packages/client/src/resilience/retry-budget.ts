import { assert } from '@holdfast/types';
import type { RetryLimits } from './resilience-limits.ts';

/**
 * What all calls of a client together may spend on repeats: a token bucket that successes fill, as in gRPC's retry
 * throttling and the AWS SDKs. While the cluster answers, repeats cost next to nothing, since each brings its token
 * back; while it refuses, they stay a small share of the calls, however many wait.
 */
export class RetryBudget {
  readonly #limits: RetryLimits;
  #tokens: number;
  #filledAt: number;

  constructor(limits: RetryLimits, now: number) {
    this.#limits = limits;
    this.#tokens = limits.budgetMax;
    this.#filledAt = now;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** For one repeat; there must be one. */
  take(): void {
    assert(this.#tokens >= 1, 'the retry budget is spent');
    this.#tokens -= 1;
  }

  /**
   * A call succeeded. `repeated`: with a repeat that took a token. `passedOn`: so many repeats before that took one each, and
   * led from one node to the next: nobody was asked twice, nor was any of them overloaded.
   */
  succeeded(repeated: boolean, passedOn = 0): void {
    this.#add(passedOn + (repeated ? 1 : this.#limits.budgetPerSuccess));
  }

  tick(now: number): void {
    this.#add((Math.max(0, now - this.#filledAt) * this.#limits.budgetPerSecond) / 1000);
    this.#filledAt = now;
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(this.#limits.budgetMax, this.#tokens + tokens);
  }
}
