import { CopyingLevel } from '../copying-level.ts';
import { LevelError } from '../level-error.ts';
import { EventFeed, type HoldfastEventsOptions, type ToldEvent } from './event-feed.ts';
import type { ClientEvents, EventListener, HoldfastEvents } from './holdfast-events.ts';

type Events<K, V> = HoldfastEvents<K, V>;

/** An abstract-level that tells what its client goes through, and lets nobody listen to what is never told. */
export class EventfulLevel<K, V> extends CopyingLevel<K, V> {
  readonly #feeds = new Set<EventFeed>();

  /**
   * What this client goes through from now on, in order, each event with its time: an async iterator, until it is closed,
   * its `signal` aborted (HOLDFAST_ABORTED), or the database closed. Of more than 1000 that nobody takes the oldest go.
   * @throws HOLDFAST_INVALID_ARGUMENT, and LEVEL_DATABASE_NOT_OPEN if it is closed.
   */
  events(options: HoldfastEventsOptions = {}): EventFeed {
    if (this.status !== 'open' && this.status !== 'opening')
      throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    const feed = new EventFeed(options, (ended) => {
      this.#feeds.delete(ended);
      this.detachResource(ended);
    });
    if (options.signal?.aborted === true) return feed;
    this.#feeds.add(feed);
    this.attachResource(feed);
    return feed;
  }

  /** A listener that throws must not do so in the middle of what the driver is doing. */
  protected announce<Event extends keyof ClientEvents>(told: ToldEvent & { readonly event: Event }): void {
    for (const feed of this.#feeds) feed.tell(told);
    queueMicrotask(() => super.emit(told.event, told.detail));
  }

  // An emitter's methods, for these events.

  override on<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.on(event, listener);
  }

  override once<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.once(event, listener);
  }

  override off<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.off(event, listener);
  }

  override addListener<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.addListener(event, listener);
  }

  override removeListener<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.removeListener(event, listener);
  }

  override prependListener<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.prependListener(event, listener);
  }

  override prependOnceListener<Event extends keyof Events<K, V>>(
    event: Event,
    listener: EventListener<Events<K, V>, Event>,
  ): this {
    return super.prependOnceListener(event, listener);
  }

  override emit<Event extends keyof Events<K, V>>(event: Event, ...given: Events<K, V>[Event]): boolean {
    return super.emit(event, ...given);
  }
}
