/** Nothing is kept for longer than this before it is looked at again, ms: who waits for ever must not be kept for ever. */
const LOOK_MS = 2000;

interface Pending {
  readonly settled: boolean;
}

/**
 * Things that are due at a time, in coarse buckets. Most are settled within milliseconds: they wait in a list, and only
 * what outlives two calls of `expire` goes into the bucket of its deadline, where it stays until that is due.
 */
export class Deadlines<Item extends Pending> {
  readonly #bucketMs: number;
  readonly #deadlineOf: (item: Item) => number;
  #recent: Item[] = [];
  #older: Item[] = [];
  readonly #buckets = new Map<number, Item[]>();
  #next: number | undefined;

  constructor(bucketMs: number, deadlineOf: (item: Item) => number) {
    this.#bucketMs = bucketMs;
    this.#deadlineOf = deadlineOf;
  }

  add(item: Item): void {
    this.#recent.push(item);
  }

  /** Calls `expire` for all that is due and not settled. */
  expire(now: number, expire: (item: Item) => void): void {
    for (const item of this.#older) if (!item.settled) this.#sort(item, now);
    this.#older = this.#recent;
    this.#recent = [];
    if (this.#next === undefined || this.#next * this.#bucketMs > now) return;
    const due: number[] = [];
    for (const bucket of this.#buckets.keys()) if (bucket * this.#bucketMs <= now) due.push(bucket);
    due.sort((a, b) => a - b);
    const lists = due.map((bucket) => this.#buckets.get(bucket)!);
    for (const bucket of due) this.#buckets.delete(bucket);
    this.#next = undefined;
    for (const bucket of this.#buckets.keys())
      if (this.#next === undefined || bucket < this.#next) this.#next = bucket;
    for (const items of lists)
      for (const item of items) {
        if (item.settled) continue;
        if (this.#deadlineOf(item) > now) this.#sort(item, now);
        else expire(item);
      }
  }

  #sort(item: Item, now: number): void {
    const bucket = Math.ceil(Math.min(this.#deadlineOf(item), now + LOOK_MS) / this.#bucketMs);
    const items = this.#buckets.get(bucket);
    if (items === undefined) {
      this.#buckets.set(bucket, [item]);
      if (this.#next === undefined || bucket < this.#next) this.#next = bucket;
    } else items.push(item);
  }
}
