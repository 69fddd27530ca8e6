import { type Clock, LIMITS } from '@holdfast/types';

/** Something that happened on this node, for people and tests. */
export interface NodeEvent {
  /** From 1, growing by one in a run of the node. */
  readonly id: number;
  /** Monotonic milliseconds of this node. */
  readonly at: number;
  /** Milliseconds since 1970: for people. */
  readonly wallTime: number;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** What the caller says of an event; the ring adds id and times. */
export interface NodeEventDetails {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Told of each new event in the turn it happened. Must not throw and must not block. */
export type EventListener = (event: NodeEvent) => void;

export interface EventRingOptions {
  readonly clock: Clock;
  /** Events kept; older ones are forgotten. Default LIMITS.eventRingSize. */
  readonly eventsMax?: number;
  readonly subscribersMax?: number;
}

const SUBSCRIBERS_MAX = 64;

/** The newest events of a node: bounded, numbered, resumable. */
export class EventRing {
  readonly #clock: Clock;
  readonly #eventsMax: number;
  readonly #subscribersMax: number;
  /** Slot `id % eventsMax` holds event `id` for the newest `eventsMax` ids. */
  readonly #slots: NodeEvent[] = [];
  readonly #listeners = new Set<EventListener>();
  #lastId = 0;

  constructor(options: EventRingOptions) {
    this.#clock = options.clock;
    this.#eventsMax = options.eventsMax ?? LIMITS.eventRingSize;
    this.#subscribersMax = options.subscribersMax ?? SUBSCRIBERS_MAX;
  }

  /** Id of the newest event; 0 before the first. */
  get lastId(): number {
    return this.#lastId;
  }

  get subscribers(): number {
    return this.#listeners.size;
  }

  record(details: NodeEventDetails): NodeEvent {
    this.#lastId += 1;
    const event: NodeEvent = {
      ...details,
      id: this.#lastId,
      at: this.#clock.now(),
      wallTime: this.#clock.wallTime(),
    };
    this.#slots[this.#lastId % this.#eventsMax] = event;
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  /** What is still kept of the events above `id`, oldest first. */
  after(id: number): NodeEvent[] {
    const events: NodeEvent[] = [];
    const first = Math.max(id + 1, this.#lastId - this.#eventsMax + 1, 1);
    for (let next = first; next <= this.#lastId; next += 1) events.push(this.#slots[next % this.#eventsMax]!);
    return events;
  }

  /** Calls `listener` for each event from now on; undefined when there are too many subscribers already. */
  subscribe(listener: EventListener): { cancel(): void } | undefined {
    if (this.#listeners.size >= this.#subscribersMax) return undefined;
    this.#listeners.add(listener);
    return { cancel: () => this.#listeners.delete(listener) };
  }
}
