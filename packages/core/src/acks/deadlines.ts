/** Things that are due at a time, in coarse buckets: adding is a push, and nothing is ever removed before its time. */
export class Deadlines<Item> {
  readonly #bucketMs: number;
  readonly #buckets = new Map<number, Item[]>();
  #next: number | undefined;

  constructor(bucketMs: number) {
    this.#bucketMs = bucketMs;
  }

  add(deadline: number, item: Item): void {
    const bucket = Math.ceil(deadline / this.#bucketMs);
    const items = this.#buckets.get(bucket);
    if (items === undefined) {
      this.#buckets.set(bucket, [item]);
      if (this.#next === undefined || bucket < this.#next) this.#next = bucket;
    } else items.push(item);
  }

  /** Calls `expire` for all that is due; an item that is settled already is for the callee to know. */
  expire(now: number, expire: (item: Item) => void): void {
    if (this.#next === undefined || this.#next * this.#bucketMs > now) return;
    const due: number[] = [];
    for (const bucket of this.#buckets.keys()) if (bucket * this.#bucketMs <= now) due.push(bucket);
    due.sort((a, b) => a - b);
    const lists = due.map((bucket) => this.#buckets.get(bucket)!);
    for (const bucket of due) this.#buckets.delete(bucket);
    this.#next = undefined;
    for (const bucket of this.#buckets.keys())
      if (this.#next === undefined || bucket < this.#next) this.#next = bucket;
    for (const items of lists) for (const item of items) expire(item);
  }

  clear(): void {
    this.#buckets.clear();
    this.#next = undefined;
  }
}
