/** A load that fell back by more than this does not run after what it missed. */
const BACKLOG_MS_MAX = 1000;

/**
 * Hands out moments at a steady rate, to however many workers ask. A worker that comes late gets a moment in the
 * past, and counts its latency from there: whatever had to wait for a stall is counted with the stall.
 */
export class Pacer {
  readonly #intervalMs: number;
  #nextAt: number;
  /** Moments that were let go. */
  #skipped = 0;

  constructor(ratePerSecond: number, startsAt: number) {
    this.#intervalMs = 1000 / ratePerSecond;
    this.#nextAt = startsAt;
  }

  get skipped(): number {
    return this.#skipped;
  }

  next(now: number): number {
    if (now - this.#nextAt > BACKLOG_MS_MAX) {
      const skipped = Math.floor((now - this.#nextAt) / this.#intervalMs);
      this.#skipped += skipped;
      this.#nextAt += skipped * this.#intervalMs;
    }
    const at = this.#nextAt;
    this.#nextAt += this.#intervalMs;
    return at;
  }
}
