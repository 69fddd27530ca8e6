/** What a queue needs to know of a call: whether it is over, and its place in the order of issue. */
export interface Queued {
  readonly settled: boolean;
  readonly order: number;
}

const COMPACT_BELOW = 64;

/**
 * Calls that wait to be sent, first-in first-out. A call that settles while it waits stays behind as a husk;
 * `forget` counts these and drops them all before they outnumber the living, so that memory follows the living.
 */
export class CallQueue<Call extends Queued> {
  #calls: (Call | undefined)[] = [];
  #head = 0;
  #husks = 0;

  /** Living calls. */
  get length(): number {
    return this.#calls.length - this.#head - this.#husks;
  }

  push(call: Call): void {
    this.#calls.push(call);
  }

  /** The oldest living call, left in the queue. */
  peek(): Call | undefined {
    for (;;) {
      const call = this.#calls[this.#head];
      if (call === undefined || !call.settled) return call;
      this.#husks -= 1;
      this.#dropHead();
    }
  }

  shift(): Call | undefined {
    const call = this.peek();
    if (call !== undefined) this.#dropHead();
    return call;
  }

  /** The living ones, oldest first. */
  all(): Call[] {
    return this.#calls.filter((call) => call !== undefined && !call.settled) as Call[];
  }

  /** Takes out those living ones, in one go however many there are. */
  extract(where: (call: Call) => boolean): Call[] {
    const extracted: Call[] = [];
    const left: Call[] = [];
    for (const call of this.all()) (where(call) ? extracted : left).push(call);
    this.#calls = left;
    this.#head = 0;
    this.#husks = 0;
    return extracted;
  }

  /** Puts calls back that had left the queue, where their order of issue belongs. */
  restore(calls: readonly Call[]): void {
    for (const call of calls) {
      const position = this.#positionOf(call.order);
      if (position === this.#head && this.#head > 0) {
        this.#head -= 1;
        this.#calls[this.#head] = call;
      } else {
        this.#calls.splice(position, 0, call);
      }
    }
  }

  /** One call of this queue has settled. */
  forget(): void {
    this.#husks += 1;
    if (this.#husks > COMPACT_BELOW && this.#husks > this.length) this.#compact();
  }

  /** Where a call of that order belongs: the queue is sorted by order, husks included. */
  #positionOf(order: number): number {
    let low = this.#head;
    let high = this.#calls.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#calls[middle] as Call).order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #dropHead(): void {
    this.#calls[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#calls.length) {
      this.#calls = [];
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head);
      this.#head = 0;
    }
  }

  #compact(): void {
    this.#calls = this.#calls.filter((call) => call !== undefined && !call.settled);
    this.#head = 0;
    this.#husks = 0;
  }
}
