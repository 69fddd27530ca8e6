import type { Holdfast } from '@holdfast/client';

/** Longer than a call waits for its answer (5 s by default) and than the clocks of callers are apart. */
const LATE_MS = 10_000;

/** At most `limit` calls in each window, counted over all processes. */
export class RateLimiter {
  readonly #counts;
  readonly #limit: number;
  readonly #windowMs: number;

  constructor(db: Holdfast, { limit, windowMs }: { limit: number; windowMs: number }) {
    this.#counts = db.sublevel('counts');
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /**
   * One increment decides: each caller gets a number of its own. Counted exactly once, also if the primary dies in
   * between; where the outcome stays unknown the call fails, and has been counted at most once.
   *
   * The count goes by itself, in the same transaction: some time after its window, so that a call that is late still
   * meets it.
   */
  async allow(who: string, now: number = Date.now()): Promise<boolean> {
    const key = this.#key(who, now);
    const { steps } = await this.#counts.transaction({
      then: [
        { type: 'increment', key },
        { type: 'expire', key, ttlMs: this.#windowMs + LATE_MS },
      ],
    });
    const [counted] = steps;
    return counted?.type === 'increment' && counted.value <= this.#limit;
  }

  /** How long the count of this window still lives, milliseconds. Undefined: nobody called in it. */
  async livesFor(who: string, now: number = Date.now()): Promise<number | undefined> {
    return await this.#counts.ttl(this.#key(who, now));
  }

  #key(who: string, now: number): string {
    return `${Math.floor(now / this.#windowMs)}:${who}`;
  }
}
