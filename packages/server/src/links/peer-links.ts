import type {
  Clock,
  CloseInfo,
  Connection,
  DatabaseUid,
  EntryTrace,
  NodeId,
  PeerHello,
  PeerMessage,
  Random,
  Timer,
  Transport,
} from '@holdfast/types';
import type { EntryCodec, PeerFrame } from '@holdfast/wire';
import type { TurnEnd } from '../turn-end.ts';
import type { HelloRefusal } from './hello.ts';
import { IncomingLinks } from './incoming-links.ts';
import type { LinkTiming } from './link-timing.ts';
import { OutgoingLink } from './outgoing-link.ts';

export interface PeerLinksOptions {
  /** The other voters. */
  readonly peers: readonly { readonly id: NodeId; readonly url: string }[];
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly turnEnd: TurnEnd;
  readonly entries: EntryCodec;
  readonly timing: LinkTiming;
  readonly bufferedBytesMax: number;
  ownHello(): PeerHello;
  onLinkUp(hello: PeerHello): void;
  onLinkDown(peer: NodeId, cause: 'lost' | 'refused', info: CloseInfo): void;
  /** May throw a HoldfastError: then that link is closed. */
  onMessages(from: NodeId, frame: PeerFrame): void;
  onRefused(who: string, refusal: HelloRefusal): void;
}

/** All links between this node and its peers: one each way, each dialled by the side that talks on it. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #outgoing = new Map<NodeId, OutgoingLink>();
  readonly #incoming: IncomingLinks;
  /** The last hello of each peer met in this run. */
  readonly #hellos = new Map<NodeId, PeerHello>();
  #pulse: Timer | undefined;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#incoming = new IncomingLinks({
      clock: options.clock,
      entries: options.entries,
      timing: options.timing,
      ownHello: options.ownHello,
      onUp: (peer) => this.#outgoing.get(peer)?.dialNow(),
      onDown: (peer) => this.#outgoing.get(peer)?.dialNow(),
      onMessages: options.onMessages,
      onRefused: options.onRefused,
    });
    for (const { id, url } of options.peers) this.#outgoing.set(id, this.#makeOutgoing(id, url));
  }

  start(): void {
    for (const link of this.#outgoing.values()) link.start();
    this.#pulseLater();
  }

  /** `abruptly`: as if the process had died; the links that peers opened are cut with the listener. */
  stop(abruptly: boolean): void {
    this.#pulse?.cancel();
    for (const link of this.#outgoing.values()) link.stop(abruptly);
    if (!abruptly) this.#incoming.closeAll();
  }

  accept(connection: Connection): void {
    this.#incoming.accept(connection);
  }

  /** `traces`: of entries of the message. */
  send(to: NodeId, database: DatabaseUid | '', message: PeerMessage, traces?: readonly EntryTrace[]): void {
    this.#outgoing.get(to)?.send(database, message, traces);
  }

  helloOf(peer: NodeId): PeerHello | undefined {
    return this.#hellos.get(peer);
  }

  #makeOutgoing(peer: NodeId, url: string): OutgoingLink {
    const { transport, clock, random, turnEnd, entries, timing, bufferedBytesMax, ownHello } = this.#options;
    return new OutgoingLink({
      peer,
      url,
      transport,
      clock,
      random,
      turnEnd,
      entries,
      timing,
      bufferedBytesMax,
      ownHello,
      onUp: (hello) => {
        this.#hellos.set(peer, hello);
        this.#options.onLinkUp(hello);
      },
      onDown: (cause, info) => this.#options.onLinkDown(peer, cause, info),
      onRefused: (refusal) => this.#options.onRefused(peer, refusal),
    });
  }

  #pulseLater(): void {
    this.#pulse = this.#options.clock.setTimer(
      this.#options.timing.pulseMs,
      () => {
        for (const link of this.#outgoing.values()) link.pulse();
        this.#incoming.pulse();
        this.#pulseLater();
      },
      { background: true },
    );
  }
}
