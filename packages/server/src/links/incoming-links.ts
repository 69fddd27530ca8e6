import {
  type Clock,
  type Connection,
  HoldfastError,
  type NodeId,
  type PeerHello,
  type Timer,
} from '@holdfast/types';
import {
  decodePeerFrame,
  decodePeerHello,
  type EntryCodec,
  encodePeerFrame,
  encodePeerHello,
  type PeerFrame,
} from '@holdfast/wire';
import { CLOSE_CODES, closeCodeOf } from './close-codes.ts';
import { type HelloRefusal, judgeHello } from './hello.ts';
import type { LinkTiming } from './link-timing.ts';

export interface IncomingLinksOptions {
  readonly clock: Clock;
  readonly entries: EntryCodec;
  readonly timing: LinkTiming;
  ownHello(): PeerHello;
  onUp(peer: NodeId): void;
  onDown(peer: NodeId): void;
  /** May throw a HoldfastError: then that link is closed. */
  onMessages(from: NodeId, frame: PeerFrame): void;
  onRefused(remoteAddress: string, refusal: HelloRefusal): void;
}

interface IncomingLink {
  readonly connection: Connection;
  /** Until the hello came. */
  timer: Timer | undefined;
  peer: NodeId | undefined;
  /** At the last look. */
  receivedBytes: number;
  /** Looks at the link since a message was whole, or since a byte of one came in. */
  silentPulses: number;
}

/** Connections that have not said who they are. Peers are few; anything above is not a peer. */
const UNGREETED_MAX = 64;

/** Links that peers opened, one for each; all they say to this node comes in here. */
export class IncomingLinks {
  readonly #options: IncomingLinksOptions;
  readonly #links = new Set<IncomingLink>();
  readonly #byPeer = new Map<NodeId, IncomingLink>();

  constructor(options: IncomingLinksOptions) {
    this.#options = options;
  }

  accept(connection: Connection): void {
    const none = { timer: undefined, peer: undefined };
    const link: IncomingLink = { connection, ...none, receivedBytes: 0, silentPulses: 0 };
    connection.handlers = {
      onMessage: (bytes) => this.#onMessage(link, bytes),
      onClose: () => this.#onClose(link),
    };
    if (this.#links.size - this.#byPeer.size >= UNGREETED_MAX) {
      connection.close(CLOSE_CODES.tooMany, 'too many connections that said no hello');
      return;
    }
    this.#links.add(link);
    link.timer = this.#options.clock.setTimer(
      this.#options.timing.handshakeTimeoutMs,
      () => this.#close(link, CLOSE_CODES.handshakeTimeout, 'no hello in time'),
      { background: true },
    );
  }

  /** Cuts what has been silent too long. */
  pulse(): void {
    for (const link of this.#byPeer.values()) this.#pulse(link);
  }

  closeAll(): void {
    for (const link of this.#links) this.#close(link, CLOSE_CODES.stopping, 'the node stops');
  }

  #pulse(link: IncomingLink): void {
    const { connection } = link;
    const { receivedBytes } = connection;
    const arrived = receivedBytes > link.receivedBytes;
    link.receivedBytes = receivedBytes;
    link.silentPulses += 1;
    if (arrived && link.silentPulses > 1) {
      // Of a long message. What the other side asks for a sign of life waits behind it, so one is given unasked.
      link.silentPulses = 1;
      this.#sayAlive(connection);
    } else if (link.silentPulses > this.#options.timing.silentPulsesMax) connection.terminate();
  }

  /** The sign of life that the dialling side waits for: everything else goes over this node's own link. */
  #sayAlive(connection: Connection): void {
    connection.send(encodePeerFrame({ database: '', messages: [] }, this.#options.entries));
  }

  #onMessage(link: IncomingLink, bytes: Uint8Array): void {
    // What was under way when this side closed the link.
    if (!this.#links.has(link)) return;
    link.silentPulses = 0;
    try {
      if (link.peer === undefined) this.#onHello(link, decodePeerHello(bytes));
      else this.#onFrame(link, link.peer, bytes);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#refuse(link, { code: error.code, closeCode: closeCodeOf(error), reason: error.message });
    }
  }

  #onHello(link: IncomingLink, hello: PeerHello): void {
    const refusal = judgeHello({ own: this.#options.ownHello(), theirs: hello });
    if (refusal !== undefined) {
      this.#refuse(link, refusal);
      return;
    }
    link.timer?.cancel();
    link.peer = hello.node;
    const older = this.#byPeer.get(hello.node);
    this.#byPeer.set(hello.node, link);
    if (older !== undefined) this.#close(older, CLOSE_CODES.replaced, 'a newer link took its place');
    link.connection.send(encodePeerHello(this.#options.ownHello()));
    this.#options.onUp(hello.node);
  }

  #onFrame(link: IncomingLink, peer: NodeId, bytes: Uint8Array): void {
    const frame = decodePeerFrame(bytes, this.#options.entries);
    if (frame.messages.length > 0) this.#options.onMessages(peer, frame);
    else this.#sayAlive(link.connection);
  }

  #refuse(link: IncomingLink, refusal: HelloRefusal): void {
    this.#options.onRefused(link.peer ?? link.connection.remoteAddress, refusal);
    this.#close(link, refusal.closeCode, refusal.reason);
  }

  #close(link: IncomingLink, code: number, reason: string): void {
    link.connection.close(code, reason);
    this.#onClose(link);
  }

  #onClose(link: IncomingLink): void {
    link.timer?.cancel();
    if (!this.#links.delete(link)) return;
    const { peer } = link;
    if (peer === undefined || this.#byPeer.get(peer) !== link) return;
    this.#byPeer.delete(peer);
    this.#options.onDown(peer);
  }
}
