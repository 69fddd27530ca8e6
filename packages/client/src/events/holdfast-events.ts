import type { Topology } from '@holdfast/types';
import type { Divergence } from '../divergence.ts';
import type { FallbackUse } from '../fallbacks.ts';
import type { HoldfastClearOptions } from '../options.ts';
import type { BreakerChange } from '../resilience/breakers.ts';
import type { StaleRead } from '../session/call.ts';
import type { PrimaryChange, Reconnection } from '../session/effects.ts';

/** What a client goes through: each event with what its listeners are given. */
export interface ClientEvents {
  /** Term, primary, or an address changed. */
  readonly topology: [topology: Topology];
  /** Another primary, or none. */
  readonly primary: [change: PrimaryChange];
  /** No node is in reach. */
  readonly disconnected: [nothing: Record<string, never>];
  /** One is, again. */
  readonly reconnected: [reconnection: Reconnection];
  /** A node is left out, probed, or trusted again. */
  readonly breaker: [change: BreakerChange];
  /** A read came to less than was asked for. */
  readonly degraded: [detail: StaleRead | FallbackUse];
  /** Writes acknowledged `local` that this client had seen were lost in a failover. */
  readonly diverged: [divergence: Divergence];
}

/** abstract-level's encodings, as far as a listener has use for them. */
interface EventEncoding {
  readonly commonName: string;
  readonly format: 'buffer' | 'utf8' | 'view';
}

interface WrittenKey<K> {
  /** As the call gave it: of another type, if it named another encoding. */
  readonly key: K;
  readonly keyEncoding: EventEncoding;
  readonly encodedKey: Buffer;
  /** Options of the call that abstract-level does not know. */
  readonly [option: string]: unknown;
}

/** What listeners of `write` are given of each operation, those that a prewrite hook added too. */
export type WrittenOperation<K, V> =
  | (WrittenKey<K> & {
      readonly type: 'put';
      readonly value: V;
      readonly valueEncoding: EventEncoding;
      readonly encodedValue: Buffer;
    })
  | (WrittenKey<K> & { readonly type: 'del' });

/** abstract-level's events, and those of every emitter. */
export interface LevelEvents<K, V> {
  readonly opening: [];
  readonly open: [];
  readonly closing: [];
  readonly closed: [];
  /** Of put, del and batches, once they are acknowledged. */
  readonly write: [operations: readonly WrittenOperation<K, V>[]];
  /** Options as they were given; an empty object if none were. */
  readonly clear: [options: HoldfastClearOptions<K>];
  readonly newListener: [event: string | symbol, listener: (...given: never[]) => void];
  readonly removeListener: [event: string | symbol, listener: (...given: never[]) => void];
}

/** All events of a `Holdfast`. */
export interface HoldfastEvents<K = string, V = string> extends ClientEvents, LevelEvents<K, V> {}

export type EventListener<Events, Event extends keyof Events> = Events[Event] extends readonly unknown[]
  ? (...given: Events[Event]) => void
  : never;
