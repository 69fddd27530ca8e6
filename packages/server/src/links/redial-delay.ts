import type { Random } from '@holdfast/types';
import type { LinkTiming } from './link-timing.ts';

/** How long to wait before dialling a peer again: doubling, with jitter, so that nodes do not dial in step. */
export class RedialDelay {
  readonly #timing: Pick<LinkTiming, 'redialMinMs' | 'redialMaxMs'>;
  readonly #random: Random;
  #failures = 0;

  constructor(timing: Pick<LinkTiming, 'redialMinMs' | 'redialMaxMs'>, random: Random) {
    this.#timing = timing;
    this.#random = random;
  }

  /** After one more failed attempt: milliseconds, at most `redialMaxMs`. */
  next(): number {
    const full = Math.min(this.#timing.redialMaxMs, this.#timing.redialMinMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    return full * (0.5 + this.#random.next() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
