import {
  type Connection,
  type ConnectOptions,
  LIMITS,
  type Listener,
  type ListenOptions,
  type Transport,
} from '@holdfast/types';
import { WebSocket } from 'ws';
import { explainRefusal } from './transport/refusal.ts';
import {
  FailedConnection,
  WebSocketConnection,
  webSocketOptions,
} from './transport/web-socket-connection.ts';
import { WebSocketListener } from './transport/web-socket-listener.ts';

/** `ws` would also take paths of local sockets, which an address told by another node must not name. */
const URL_PATTERN = /^wss?:\/\//i;

export interface WebSocketTransportOptions {
  /** A connection accepted that has not sent a whole request by then is cut; 3000 ms by default. */
  readonly handshakeTimeoutMs?: number;
}

/**
 * Masks keep pages in a browser from making bytes that a proxy takes for something else (RFC 6455, section 10.3). No
 * page chooses what is sent from here; a mask of zeros spares both sides a pass over every byte, and us a copy.
 */
function leaveZeros(): void {}

/**
 * The network for real: binary WebSocket messages without compression. `listen` owns the HTTP server of its
 * port; a text frame closes its connection with 4000, a message over the agreed size with 1009.
 */
export class WebSocketTransport implements Transport {
  readonly #handshakeTimeoutMs: number;

  constructor(options: WebSocketTransportOptions = {}) {
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs ?? LIMITS.handshakeTimeoutMs;
  }

  listen(options: ListenOptions): Promise<Listener> {
    return WebSocketListener.start(options, this.#handshakeTimeoutMs);
  }

  /** A URL that is none is a refused connection, not an exception: other nodes tell us theirs. */
  connect(options: ConnectOptions): Connection {
    const { url, subprotocol, handlers } = options;
    let webSocket: WebSocket;
    try {
      if (!URL_PATTERN.test(url)) throw new SyntaxError(`not a ws:// or wss:// address: ${url}`);
      webSocket = new WebSocket(url, subprotocol, {
        ...webSocketOptions(options.maxMessageBytes),
        generateMask: leaveZeros,
      });
    } catch (error) {
      return new FailedConnection({ remoteAddress: url, handlers, reason: (error as Error).message });
    }
    const connection = new WebSocketConnection({ webSocket, remoteAddress: new URL(url).host, handlers });
    webSocket.on('upgrade', (response) => connection.useSocket(response.socket));
    webSocket.on('unexpected-response', (_request, response) => {
      explainRefusal(response, (reason) => connection.abandon(reason));
    });
    // `ws` has a time limit too, but on silence only: a server that sends a byte now and then holds it open.
    const timeout = setTimeout(
      () => connection.abandon(`no handshake within ${options.handshakeTimeoutMs} ms`),
      options.handshakeTimeoutMs,
    );
    webSocket.once('open', () => clearTimeout(timeout));
    webSocket.once('close', () => clearTimeout(timeout));
    return connection;
  }
}
