import type { HoldfastError } from '@holdfast/types';
import { aborted } from '../aborted.ts';
import { checkedNames, checkedSignal } from '../options.ts';
import type { ClientEvents } from './holdfast-events.ts';

export interface HoldfastEventsOptions {
  /** Ends it with HOLDFAST_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** One event of a client: which, what its listeners are given, and when. */
export type ClientEvent = {
  readonly [Event in keyof ClientEvents]: {
    readonly event: Event;
    readonly detail: ClientEvents[Event][0];
    /** When it was told: milliseconds of the client's monotonic clock, that of `performance.now()`. */
    readonly atMs: number;
    /** Events between the one taken before and this one that are not told: nobody took them in time. */
    readonly missed: number;
  };
}[keyof ClientEvents];

/** What a feed keeps of it. */
export type ToldEvent = Pick<ClientEvent, 'event' | 'detail' | 'atMs'>;

/** Events that wait to be taken: of more the oldest go, and are counted as missed. */
const WAITING_MAX = 1000;

/** What a client goes through, in order: an async iterator, open from when it is made. */
export class EventFeed implements AsyncIterableIterator<ClientEvent, undefined> {
  readonly #waiting: ToldEvent[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onEnd: (feed: EventFeed) => void;
  readonly #onAbort = (): void => this.#abort();
  #missed = 0;
  #isClosed = false;
  /** Why it ended, until that was told. */
  #failure: HoldfastError | undefined;
  #news = Promise.withResolvers<void>();

  /** `onEnd`: nothing need be told to it any more. @throws HOLDFAST_INVALID_ARGUMENT */
  constructor(options: HoldfastEventsOptions, onEnd: (feed: EventFeed) => void) {
    checkedNames('options', options, ['signal']);
    const signal = checkedSignal(options.signal);
    this.#signal = signal;
    this.#onEnd = onEnd;
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  tell(event: ToldEvent): void {
    if (this.#isClosed) return;
    this.#waiting.push(event);
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    this.#wake();
  }

  /** What came before the end of the database is told. @throws HOLDFAST_ABORTED once, if its signal ended it. */
  async next(): Promise<IteratorResult<ClientEvent, undefined>> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) {
        const missed = this.#missed;
        this.#missed = 0;
        return { done: false, value: { ...event, missed } as ClientEvent };
      }
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure;
      if (this.#isClosed) return { done: true, value: undefined };
      await this.#news.promise;
    }
  }

  /** Ends it. Never rejects. */
  async return(): Promise<IteratorResult<ClientEvent, undefined>> {
    this.#waiting.length = 0;
    await this.close();
    return { done: true, value: undefined };
  }

  /** No more events come. A `next` under way finds the end. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#onEnd(this);
    this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #abort(): void {
    this.#waiting.length = 0;
    this.#failure = aborted('the events are not wanted any more', this.#signal);
    void this.close();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
