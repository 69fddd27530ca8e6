import {
  type CloseInfo,
  type Connection,
  type ConnectionHandlers,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  PEER_SUBPROTOCOL,
  SNAPSHOT_SUBPROTOCOL,
  type Transport,
} from '@holdfast/types';
import type { PeerLinkFault } from './node-order.ts';

/** Where nobody listens. */
const NOWHERE = 'ws://127.0.0.1:1/';

/** Lets a node's links to its peers suffer; its clients are not affected. */
export class PeerFaultTransport implements Transport {
  readonly #inner: Transport;
  readonly #links = new Set<PeerLink>();
  #fault: PeerLinkFault = 'none';

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /** From now on. A link that has lost something stays mute: no network delivers a stream with a gap in it. */
  inflict(fault: PeerLinkFault): void {
    this.#fault = fault;
    for (const link of this.#links) {
      if (fault === 'silent') link.isMute = true;
      if (fault === 'refused') link.terminate();
    }
  }

  listen(options: ListenOptions): Promise<Listener> {
    return this.#inner.listen({
      ...options,
      decide: (request) =>
        this.#fault === 'refused' && request.subprotocols.some(isPeerProtocol)
          ? { refuse: 503, message: 'out of reach' }
          : options.decide(request),
      onConnection: (connection) =>
        options.onConnection(isPeerProtocol(connection.subprotocol) ? this.#wrap(connection) : connection),
    });
  }

  connect(options: ConnectOptions): Connection {
    if (!isPeerProtocol(options.subprotocol)) return this.#inner.connect(options);
    const url = this.#fault === 'refused' ? NOWHERE : options.url;
    return this.#wrap(this.#inner.connect({ ...options, url }));
  }

  #wrap(connection: Connection): Connection {
    const link = new PeerLink(connection, () => this.#links.delete(link));
    link.isMute = this.#fault === 'silent';
    this.#links.add(link);
    return link;
  }
}

function isPeerProtocol(subprotocol: string): boolean {
  return subprotocol === PEER_SUBPROTOCOL || subprotocol === SNAPSHOT_SUBPROTOCOL;
}

class PeerLink implements Connection {
  isMute = false;
  handlers: ConnectionHandlers;
  readonly #inner: Connection;

  constructor(inner: Connection, onGone: () => void) {
    this.#inner = inner;
    this.handlers = inner.handlers;
    inner.handlers = {
      onOpen: () => this.handlers.onOpen?.(),
      onMessage: (bytes) => {
        if (!this.isMute) this.handlers.onMessage(bytes);
      },
      onClose: (info: CloseInfo) => {
        onGone();
        this.handlers.onClose(info);
      },
    };
  }

  get remoteAddress(): string {
    return this.#inner.remoteAddress;
  }

  get subprotocol(): string {
    return this.#inner.subprotocol;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  get receivedBytes(): number {
    return this.#inner.receivedBytes;
  }

  send(bytes: Uint8Array): void {
    if (!this.isMute) this.#inner.send(bytes);
  }

  close(code?: number, reason?: string): void {
    this.#inner.close(code, reason);
  }

  terminate(): void {
    this.#inner.terminate();
  }
}
