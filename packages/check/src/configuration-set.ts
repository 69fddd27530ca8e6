/**
 * The configurations that a search has been in: (first unanswered operation, state, which of the
 * operations then open have taken effect). Grows in flat arrays, so that millions of them are cheap.
 */
export class ConfigurationSet {
  readonly #words: number;
  #records: Int32Array;
  #table: Int32Array;
  #size = 0;

  /** `words`: 32-bit words of the bit set. */
  constructor(words: number) {
    this.#words = words;
    this.#records = new Int32Array(64 * (words + 2));
    this.#table = new Int32Array(256);
  }

  get size(): number {
    return this.#size;
  }

  /** False if it was there already. */
  add(frontier: number, state: number, open: Int32Array): boolean {
    if (this.#size * 2 >= this.#table.length) this.#grow();
    const width = this.#words + 2;
    const mask = this.#table.length - 1;
    let slot = this.#hash(frontier, state, open, 0) & mask;
    for (;;) {
      const found = this.#table[slot] as number;
      if (found === 0) break;
      if (this.#equals((found - 1) * width, frontier, state, open)) return false;
      slot = (slot + 1) & mask;
    }
    const start = this.#size * width;
    if (start + width > this.#records.length) this.#records = enlarged(this.#records);
    this.#records[start] = frontier;
    this.#records[start + 1] = state;
    this.#records.set(open, start + 2);
    this.#size += 1;
    this.#table[slot] = this.#size;
    return true;
  }

  #equals(start: number, frontier: number, state: number, open: Int32Array): boolean {
    const records = this.#records;
    if (records[start] !== frontier || records[start + 1] !== state) return false;
    for (let word = 0; word < this.#words; word++) {
      if (records[start + 2 + word] !== open[word]) return false;
    }
    return true;
  }

  #grow(): void {
    const width = this.#words + 2;
    this.#table = new Int32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let record = 0; record < this.#size; record++) {
      const start = record * width;
      const [frontier, state] = [this.#records[start] as number, this.#records[start + 1] as number];
      let slot = this.#hash(frontier, state, this.#records, start + 2) & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = record + 1;
    }
  }

  #hash(frontier: number, state: number, words: Int32Array, start: number): number {
    let hash = Math.imul(frontier + 1, 0x9e3779b1) ^ Math.imul(state + 1, 0x85ebca6b);
    for (let word = 0; word < this.#words; word++) {
      hash = Math.imul(hash ^ (hash >>> 15) ^ (words[start + word] as number), 0xc2b2ae35);
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
    return hash ^ (hash >>> 13);
  }
}

function enlarged(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
