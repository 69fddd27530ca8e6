import type { EventListener, LevelEvents } from './holdfast-events.ts';

/**
 * The methods of an emitter, as abstract-level's events are told. To be put before abstract-level's own, which takes any event:
 * what a client goes through is told by its database, and never by a sublevel.
 */
export interface LevelEmitter<K, V> {
  on<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  once<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  off<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  addListener<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  removeListener<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  prependListener<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  prependOnceListener<Event extends keyof LevelEvents<K, V>>(
    event: Event,
    listener: EventListener<LevelEvents<K, V>, Event>,
  ): this;
  emit<Event extends keyof LevelEvents<K, V>>(event: Event, ...given: LevelEvents<K, V>[Event]): boolean;
}
