import { type Clock, PEER_SUBPROTOCOL, type Random } from '@holdfast/types';
import type { SentMessage } from './network-observer.ts';
import type { SimConnection } from './sim-connection.ts';

export interface RepeatOptions {
  readonly from: string;
  readonly to: string;
  /** Of what nodes say to each other. */
  readonly share: number;
  /** After it arrived for the first time, milliseconds at most. */
  readonly lateMsMax: number;
  readonly random: Random;
  onRepeated?(): void;
}

/**
 * Lets messages between nodes arrive a second time, later than others that were sent after them, over the connection that
 * there is then. TCP does no such thing: it is held against the core, which promises to bear it (fault 16). Whoever says
 * hello says it once.
 */
export class Repeats {
  readonly #clock: Clock;
  readonly #ends: Iterable<SimConnection>;
  readonly #onRepeated: (message: SentMessage) => void;
  readonly #ways = new Map<string, RepeatOptions>();

  constructor(parts: {
    readonly clock: Clock;
    /** Those that are not over. */
    readonly ends: Iterable<SimConnection>;
    onRepeated(message: SentMessage): void;
  }) {
    this.#clock = parts.clock;
    this.#ends = parts.ends;
    this.#onRepeated = parts.onRepeated;
  }

  begin(options: RepeatOptions): void {
    this.#ways.set(nameOf(options), options);
  }

  end(way: { readonly from: string; readonly to: string }): void {
    this.#ways.delete(nameOf(way));
  }

  /** It came in, and was not the first of its connection. */
  onArrived(message: SentMessage): void {
    if (this.#ways.size === 0 || message.subprotocol !== PEER_SUBPROTOCOL || !message.isCallers) return;
    const way = this.#ways.get(nameOf(message));
    if (way === undefined || way.random.next() >= way.share) return;
    const lateMs = way.lateMsMax * way.random.next() ** 3;
    this.#clock.setTimer(lateMs, () => {
      const end = this.#endOf(message);
      if (end === undefined || this.#ways.get(nameOf(message)) !== way) return;
      way.onRepeated?.();
      this.#onRepeated(message);
      end.onMessage(message.bytes);
    });
  }

  /** Where such messages come in now, once the hello is through. */
  #endOf({ from, to, subprotocol }: SentMessage): SimConnection | undefined {
    for (const end of this.#ends) {
      const { link } = end.wire;
      const isThere = link.from === to && link.to === from && end.listener !== undefined;
      if (isThere && end.subprotocol === subprotocol && end.isOpen && end.hasReceived) return end;
    }
    return undefined;
  }
}

function nameOf({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from} ${to}`;
}
