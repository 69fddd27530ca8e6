import type { Clock } from '@holdfast/types';

/** Bounds of a check. Whatever is set and reached first makes the verdict `undecided`. */
export interface CheckLimits {
  /** Steps of the model; default 50 million, some ten seconds and at most a few hundred megabytes. */
  readonly stepsMax?: number;
  /** Needs `clock`. */
  readonly timeLimitMs?: number;
  readonly clock?: Pick<Clock, 'now'>;
}

const STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 1024;

/** What is left of the limits of one check. */
export class Budget {
  readonly #stepsMax: number;
  readonly #endsAt: number;
  readonly #clock: Pick<Clock, 'now'> | undefined;
  #steps = 0;
  #spent = false;

  constructor({ stepsMax = 50_000_000, timeLimitMs, clock }: CheckLimits) {
    if (timeLimitMs !== undefined && clock === undefined) throw new TypeError('timeLimitMs needs a clock');
    this.#stepsMax = stepsMax;
    this.#clock = timeLimitMs === undefined ? undefined : clock;
    this.#endsAt = this.#clock === undefined ? Infinity : this.#clock.now() + (timeLimitMs as number);
  }

  get steps(): number {
    return this.#steps;
  }

  get spent(): boolean {
    return this.#spent;
  }

  step(): void {
    this.#steps += 1;
    if (this.#steps >= this.#stepsMax) this.#spent = true;
    if (
      this.#clock &&
      this.#steps % STEPS_BETWEEN_LOOKS_AT_THE_CLOCK === 0 &&
      this.#clock.now() >= this.#endsAt
    ) {
      this.#spent = true;
    }
  }
}
