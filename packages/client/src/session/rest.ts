import type { RetryLimits } from '../resilience/resilience-limits.ts';

/** Longest pause a node may ask for, milliseconds. */
const RETRY_AFTER_MS_MAX = 1000;

/**
 * Full jitter: anywhere from nought to the bound, on top of what the node asked for. Whoever was refused at the same
 * moment must not come back at the same moment.
 */
export function pauseMs(options: {
  boundMs: number;
  retryAfterMs: number | undefined;
  /** In [0, 1). */
  random: number;
}): number {
  const { boundMs, retryAfterMs = 0, random } = options;
  return Math.max(1, Math.min(retryAfterMs, RETRY_AFTER_MS_MAX) + random * boundMs);
}

/**
 * The pause of all writes after the primary refused one for now: drawn from nought to a bound (full jitter) that is
 * doubled while it goes on refusing, and forgotten when it accepts one. It holds back all writes, not only the refused
 * one, so that they keep their order.
 */
export class Rest {
  readonly #limits: RetryLimits;
  readonly #random: () => number;
  #until = 0;
  #nextMs: number;

  constructor(limits: RetryLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#nextMs = limits.backoffMsMin;
  }

  over(now: number): boolean {
    return now >= this.#until;
  }

  /** True once after each pause. */
  ended(now: number): boolean {
    if (this.#until === 0 || now < this.#until) return false;
    this.#until = 0;
    return true;
  }

  /** Refusals of one volley count as one. */
  begin(now: number, retryAfterMs: number | undefined): void {
    if (this.#until !== 0) return;
    this.#until = now + pauseMs({ boundMs: this.#nextMs, retryAfterMs, random: this.#random() });
    this.#nextMs = Math.min(this.#nextMs * 2, this.#limits.backoffMsMax);
  }

  /** A write was accepted. */
  relax(): void {
    this.#nextMs = this.#limits.backoffMsMin;
  }

  /** There is a new primary. */
  clear(): void {
    this.#until = 0;
    this.#nextMs = this.#limits.backoffMsMin;
  }
}
