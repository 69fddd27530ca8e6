interface Event {
  readonly at: number;
  readonly order: number;
  run(): void;
}

/** What is to happen on a virtual clock: by time, then in the order it was asked for. A binary heap. */
export class EventQueue {
  readonly #events: Event[] = [];
  #order = 0;

  add(at: number, run: () => void): void {
    const event = { at, order: this.#order++, run };
    let place = this.#events.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, this.#events[parent]!)) break;
      this.#events[place] = this.#events[parent]!;
      place = parent;
    }
    this.#events[place] = event;
  }

  /** The soonest event that is due at `until` or before. */
  take(until: number): Event | undefined {
    const first = this.#events[0];
    if (first === undefined || first.at > until) return undefined;
    const last = this.#events.pop()!;
    if (this.#events.length > 0) this.#sink(last);
    return first;
  }

  #sink(event: Event): void {
    const events = this.#events;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (isBefore(event, events[child]!)) break;
      events[place] = events[child]!;
      place = child;
    }
    events[place] = event;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
