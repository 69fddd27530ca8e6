import type { IncomingMessage, ServerResponse } from 'node:http';

export interface CloseInfo {
  /**
   * `refused`: the handshake never ended (connection refused, HTTP answer, unreachable, timed out).
   * `closed`: it was open and either side closed it or it broke.
   */
  readonly cause: 'refused' | 'closed';
  /** WebSocket close code; 1006 when there was none. */
  readonly code: number;
  readonly reason: string;
}

/** A message-oriented, ordered, reliable-while-it-lasts connection: a WebSocket, or a simulated one. */
export interface Connection {
  /** Address of the other side, for words only. */
  readonly remoteAddress: string;
  readonly subprotocol: string;
  /** Bytes handed to `send` that have not left this process. */
  readonly bufferedBytes: number;
  /** Bytes that have come in, those of a message that is not whole yet among them. */
  readonly receivedBytes: number;
  /** One binary message. Does nothing once closed. The bytes must not be changed afterwards. */
  send(bytes: Uint8Array): void;
  /** Closes in order; `code` 1000 or 4000–4999. */
  close(code?: number, reason?: string): void;
  /** Cuts at once. */
  terminate(): void;
  /** Set before the turn in which the connection was handed over ends. */
  handlers: ConnectionHandlers;
}

export interface ConnectionHandlers {
  onOpen?(): void;
  onMessage(bytes: Uint8Array): void;
  /** Exactly once, last. */
  onClose(info: CloseInfo): void;
}

/** What a listener knows of a connection before it accepts it. */
export interface UpgradeRequest {
  readonly path: string;
  readonly subprotocols: readonly string[];
  readonly origin?: string;
  readonly host?: string;
  readonly remoteAddress: string;
}

/**
 * Accept with one of the offered subprotocols, or refuse with an HTTP status. `firstMessageBytesMax`: so many bytes
 * may come in before the first message is whole; `maxMessageBytes` if absent.
 */
export type UpgradeDecision =
  | { readonly accept: string; readonly maxMessageBytes: number; readonly firstMessageBytesMax?: number }
  | { readonly refuse: number; readonly message: string };

export interface ListenOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  decide(request: UpgradeRequest): UpgradeDecision;
  onConnection(connection: Connection): void;
  /** Plain HTTP requests; a simulated transport never calls it. */
  onRequest?(request: IncomingMessage, response: ServerResponse): void;
}

export interface Listener {
  readonly port: number;
  /** Stops listening and cuts every connection it accepted. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** ws://host:port/path */
  readonly url: string;
  readonly subprotocol: string;
  readonly handshakeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly handlers: ConnectionHandlers;
}

/** Seam: the network. */
export interface Transport {
  /** Rejects with an Error whose `code` is the errno name (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
  listen(options: ListenOptions): Promise<Listener>;
  connect(options: ConnectOptions): Connection;
}
