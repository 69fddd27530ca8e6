/**
 * Calls and answers of one key in the order they happened, as a doubly linked list from which an
 * operation that has taken effect is lifted out, and put back in constant time when the search
 * takes it back (in the reverse order of lifting). Call of item i is entry 2i, its answer 2i + 1.
 */
export class EventList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head: number;

  /** `order`: the entries as they happened. */
  constructor(order: readonly number[], items: number) {
    this.#head = items * 2;
    this.#next = new Int32Array(items * 2 + 1).fill(this.#head);
    this.#previous = new Int32Array(items * 2 + 1).fill(this.#head);
    let last = this.#head;
    for (const entry of order) {
      this.#next[last] = entry;
      this.#previous[entry] = last;
      last = entry;
    }
    this.#next[last] = this.#head;
    this.#previous[this.#head] = last;
  }

  /** The first entry, or -1. */
  first(): number {
    return this.after(this.#head);
  }

  /** The entry that follows, or -1. */
  after(entry: number): number {
    const next = this.#next[entry] as number;
    return next === this.#head ? -1 : next;
  }

  lift(item: number): void {
    this.#remove(item * 2);
    this.#remove(item * 2 + 1);
  }

  putBack(item: number): void {
    this.#restore(item * 2 + 1);
    this.#restore(item * 2);
  }

  #remove(entry: number): void {
    const [previous, next] = [this.#previous[entry] as number, this.#next[entry] as number];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #restore(entry: number): void {
    this.#next[this.#previous[entry] as number] = entry;
    this.#previous[this.#next[entry] as number] = entry;
  }
}

export function isAnswer(entry: number): boolean {
  return (entry & 1) === 1;
}
