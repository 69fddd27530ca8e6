import { assert } from '@holdfast/types';

/**
 * Log time on a primary: whole milliseconds of its monotonic clock, counted on from the last entry of its log.
 * Time in which nobody was primary does not pass, so what expires by it expires later, never earlier.
 */
export class LogTime {
  readonly #base: number;
  readonly #start: number;
  #newest: number;

  constructor(options: {
    /** Log time of the last entry. */
    readonly last: number;
    /** Monotonic milliseconds when this node became primary. */
    readonly now: number;
  }) {
    assert(Number.isSafeInteger(options.last) && options.last >= 0, `log time: not a start: ${options.last}`);
    this.#base = options.last;
    this.#start = options.now;
    this.#newest = options.last;
  }

  /** Never below an earlier answer, whatever the clock does. */
  at(now: number): number {
    this.#newest = Math.max(this.#newest, this.#base + Math.floor(now - this.#start));
    return this.#newest;
  }
}
