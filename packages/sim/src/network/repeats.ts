import { type Clock, PEER_SUBPROTOCOL, type Random } from '@holdfast/types';
import type { SentMessage } from './network-observer.ts';
import type { SimConnection } from './sim-connection.ts';

export interface RepeatOptions {
  readonly from: string;
  readonly to: string;
  /** Of what nodes say to each other. */
  readonly share: number;
  /** After it arrived for the first time, or is let go, milliseconds at most. */
  readonly lateMsMax: number;
  /** The second time waits until they are let go. */
  readonly isHeld?: boolean;
  readonly random: Random;
  onRepeated?(): void;
}

/** Of one way: older ones are forgotten. */
const HELD_MAX = 50;

interface Way {
  readonly options: RepeatOptions;
  held: SentMessage[];
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
  readonly #ways = new Map<string, Way>();

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
    this.#ways.set(nameOf(options), { options, held: [] });
  }

  /** What was held back of it arrives soon. */
  release(of: { readonly from: string; readonly to: string }): void {
    const way = this.#ways.get(nameOf(of));
    if (way === undefined) return;
    for (const message of way.held) this.#repeatSoon(way, message);
    way.held = [];
  }

  end(way: { readonly from: string; readonly to: string }): void {
    this.#ways.delete(nameOf(way));
  }

  /** It came in, and was not the first of its connection. */
  onArrived(message: SentMessage): void {
    if (this.#ways.size === 0 || message.subprotocol !== PEER_SUBPROTOCOL || !message.isCallers) return;
    const way = this.#ways.get(nameOf(message));
    if (way === undefined || way.options.random.next() >= way.options.share) return;
    if (way.options.isHeld === true) way.held = [...way.held, message].slice(-HELD_MAX);
    else this.#repeatSoon(way, message);
  }

  #repeatSoon(way: Way, message: SentMessage): void {
    const { lateMsMax, random, onRepeated } = way.options;
    this.#clock.setTimer(lateMsMax * random.next() ** 3, () => {
      const end = this.#endOf(message);
      if (end === undefined || this.#ways.get(nameOf(message)) !== way) return;
      onRepeated?.();
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
