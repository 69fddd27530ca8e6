import { assert } from '@holdfast/types';

/**
 * The sequences of one session, from 1: which are taken and not yet answered or given up, and the floor below them.
 * A ring, so that neither taking nor releasing allocates.
 */
export class SequenceWindow<Item> {
  readonly #slots: (Item | undefined)[];
  readonly #capacity: number;
  /** Every sequence at or below it is released; the slot above it is held unless the window is empty. */
  #floor = 0;
  #last = 0;
  #held = 0;

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity > 0, 'a window holds at least one sequence');
    this.#capacity = capacity;
    this.#slots = new Array<Item | undefined>(capacity);
  }

  /** Every sequence at or below it is answered or given up. */
  get floor(): number {
    return this.#floor;
  }

  /** Sequences taken and not released. */
  get held(): number {
    return this.#held;
  }

  /** A taken sequence may lie at most `capacity` above the floor, whatever was released in between. */
  get full(): boolean {
    return this.#last - this.#floor >= this.#capacity;
  }

  /** The next sequence, for `item`. */
  take(item: Item): number {
    assert(!this.full, 'the sequence window is full');
    this.#last += 1;
    this.#held += 1;
    this.#slots[this.#last % this.#capacity] = item;
    return this.#last;
  }

  /** `sequence` is answered or given up. */
  release(sequence: number): void {
    assert(sequence > this.#floor && sequence <= this.#last, 'released a sequence that is not held');
    const slot = sequence % this.#capacity;
    assert(this.#slots[slot] !== undefined, 'released a sequence twice');
    this.#slots[slot] = undefined;
    this.#held -= 1;
    while (this.#floor < this.#last && this.#slots[(this.#floor + 1) % this.#capacity] === undefined)
      this.#floor += 1;
  }

  /** Held items, lowest sequence first. `visit` may release what it is given. */
  forEach(visit: (item: Item) => void): void {
    const last = this.#last;
    for (let sequence = this.#floor + 1; sequence <= last; sequence += 1) {
      const item = this.#slots[sequence % this.#capacity];
      if (item !== undefined) visit(item);
    }
  }
}
