import type { Holdfast } from '@holdfast/client';

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
   */
  async allow(who: string, now: number = Date.now()): Promise<boolean> {
    const { value } = await this.#counts.increment(this.#key(who, now), 1);
    return value <= this.#limit;
  }

  /** Removes the counts of windows that are over. Cheap, and safe from several processes at once. */
  async sweep(now: number = Date.now()): Promise<void> {
    await this.#counts.clear({ lt: this.#windowOf(now) });
  }

  #key(who: string, now: number): string {
    return `${this.#windowOf(now)}:${who}`;
  }

  /** Its number, so written that windows sort by time. */
  #windowOf(now: number): string {
    return String(Math.floor(now / this.#windowMs)).padStart(16, '0');
  }
}
