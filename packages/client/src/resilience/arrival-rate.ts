/** A rate is taken over one to two of these, milliseconds. */
const SPAN_MS = 500;

interface Sample {
  readonly at: number;
  readonly arrivals: number;
}

/** How many calls come in a millisecond, of late: from two older readings of the number of calls there were. */
export class ArrivalRate {
  #older: Sample;
  #newer: Sample;

  constructor(now: number) {
    this.#older = { at: now, arrivals: 0 };
    this.#newer = this.#older;
  }

  /** `arrivals`: calls so far. To be told from time to time. */
  sample(now: number, arrivals: number): void {
    if (now - this.#newer.at < SPAN_MS) return;
    this.#older = this.#newer;
    this.#newer = { at: now, arrivals };
  }

  perMs(now: number, arrivals: number): number {
    const { at, arrivals: before } = this.#older;
    return now > at ? (arrivals - before) / (now - at) : 0;
  }
}
