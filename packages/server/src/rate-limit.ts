import type { Clock } from '@holdfast/types';

const KEYS_MAX = 256;

/** Lets one message per subject through in a while: a peer that is refused ten times a second fills no log. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #passedAt = new Map<string, number>();

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  passes(subject: string): boolean {
    const now = this.#clock.now();
    const before = this.#passedAt.get(subject);
    if (before !== undefined && now - before < this.#intervalMs) return false;
    // Strangers choose subjects: forget all rather than remember without end.
    if (this.#passedAt.size >= KEYS_MAX) this.#passedAt.clear();
    this.#passedAt.set(subject, now);
    return true;
  }
}
