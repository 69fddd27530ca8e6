import {
  type CloseInfo,
  type Connection,
  type ConnectionHandlers,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  PEER_SUBPROTOCOL,
  type Transport,
} from '@holdfast/types';

interface Held {
  readonly bytes: Uint8Array;
  readonly dueAt: number;
}

/**
 * Holds back what this node says over the links that it dials to its peers, in order, by `lagMs`. Nodes say
 * everything over the links that they dialled, so that lag on every node is lag on every link. What is held
 * back dies with the process.
 */
export class LaggingTransport implements Transport {
  lagMs = 0;
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  listen(options: ListenOptions): Promise<Listener> {
    return this.#inner.listen(options);
  }

  connect(options: ConnectOptions): Connection {
    const connection = this.#inner.connect(options);
    if (options.subprotocol !== PEER_SUBPROTOCOL) return connection;
    return new LaggedConnection(connection, () => this.lagMs);
  }
}

class LaggedConnection implements Connection {
  readonly #inner: Connection;
  readonly #lagMs: () => number;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(inner: Connection, lagMs: () => number) {
    this.#inner = inner;
    this.#lagMs = lagMs;
    const { handlers } = inner;
    inner.handlers = {
      onOpen: () => handlers.onOpen?.(),
      onMessage: (bytes) => handlers.onMessage(bytes),
      onClose: (info: CloseInfo) => {
        this.#drop();
        handlers.onClose(info);
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
    return this.#inner.bufferedBytes + this.#heldBytes;
  }

  get handlers(): ConnectionHandlers {
    return this.#inner.handlers;
  }

  set handlers(handlers: ConnectionHandlers) {
    this.#inner.handlers = handlers;
  }

  get receivedBytes(): number {
    return this.#inner.receivedBytes;
  }

  send(bytes: Uint8Array): void {
    const lagMs = this.#lagMs();
    if (lagMs === 0 && this.#held.length === 0) {
      this.#inner.send(bytes);
      return;
    }
    this.#held.push({ bytes, dueAt: performance.now() + lagMs });
    this.#heldBytes += bytes.byteLength;
    this.#timer ??= setTimeout(() => this.#release(), lagMs);
  }

  close(code?: number, reason?: string): void {
    this.#drop();
    this.#inner.close(code, reason);
  }

  terminate(): void {
    this.#drop();
    this.#inner.terminate();
  }

  #release(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let next = this.#held[0]; next !== undefined && next.dueAt <= now; next = this.#held[0]) {
      this.#held.shift();
      this.#heldBytes -= next.bytes.byteLength;
      this.#inner.send(next.bytes);
    }
    const next = this.#held[0];
    if (next !== undefined) this.#timer = setTimeout(() => this.#release(), Math.max(1, next.dueAt - now));
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#held.length = 0;
    this.#heldBytes = 0;
  }
}
