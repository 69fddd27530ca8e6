import type { ClientLimits } from './client-limits.ts';

/** Longest pause a node may ask for, milliseconds. */
const RETRY_AFTER_MS_MAX = 1000;

/**
 * The pause of all writes after the primary refused one for now: doubled while it goes on refusing, forgotten when
 * it accepts one. It holds back all writes, not only the refused one, so that they keep their order.
 */
export class Rest {
  readonly #limits: ClientLimits;
  readonly #random: () => number;
  #until = 0;
  #nextMs: number;

  constructor(limits: ClientLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#nextMs = limits.restMsMin;
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
    const pauseMs = Math.min(retryAfterMs ?? this.#nextMs, RETRY_AFTER_MS_MAX);
    this.#until = now + pauseMs * (0.5 + this.#random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#limits.restMsMax);
  }

  /** A write was accepted. */
  relax(): void {
    this.#nextMs = this.#limits.restMsMin;
  }

  /** There is a new primary. */
  clear(): void {
    this.#until = 0;
    this.#nextMs = this.#limits.restMsMin;
  }
}
