/** Latencies of one stretch of time, milliseconds. */
export class Latencies {
  #values: number[] = [];

  get count(): number {
    return this.#values.length;
  }

  add(ms: number): void {
    this.#values.push(ms);
  }

  /** The smallest value that `share` of all are at or below; undefined if there is none. */
  percentile(share: number): number | undefined {
    const sorted = this.#values.toSorted((left, right) => left - right);
    return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)];
  }

  clear(): void {
    this.#values = [];
  }
}
