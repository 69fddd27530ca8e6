const SIZE = 512;
/** Fewer say little about a tail. */
const SAMPLES_MIN = 50;
/** So many new ones before it is looked at anew: sorting costs more than it can have changed. */
const RENEWED_EVERY = 32;

/** A percentile of the newest so many latencies. */
export class LatencyWindow {
  readonly #share: number;
  readonly #samples: number[] = [];
  #next = 0;
  #fresh = 0;
  #value: number | undefined;

  /** `percentile`: from 0 up to but not including 100. */
  constructor(percentile: number) {
    this.#share = percentile / 100;
  }

  /** Milliseconds; undefined as long as too little is known. */
  get value(): number | undefined {
    return this.#value;
  }

  add(latencyMs: number): void {
    this.#samples[this.#next] = latencyMs;
    this.#next = (this.#next + 1) % SIZE;
    this.#fresh += 1;
    if (this.#samples.length < SAMPLES_MIN) return;
    if (this.#value !== undefined && this.#fresh < RENEWED_EVERY) return;
    this.#fresh = 0;
    const sorted = this.#samples.toSorted((left, right) => left - right);
    this.#value = sorted[Math.floor(sorted.length * this.#share)];
  }
}
