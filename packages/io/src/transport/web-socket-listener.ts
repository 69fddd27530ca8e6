import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Listener, ListenOptions, UpgradeDecision, UpgradeRequest } from '@holdfast/types';
import { type WebSocket, WebSocketServer } from 'ws';
import { WebSocketConnection, webSocketOptions } from './web-socket-connection.ts';

type Accepted = Extract<UpgradeDecision, { accept: string }>;

/** One port: plain HTTP requests and WebSockets of any number of subprotocols. */
export class WebSocketListener implements Listener {
  port = 0;
  readonly #options: ListenOptions;
  readonly #handshakeTimeoutMs: number;
  readonly #server: Server;
  /** Every connection accepted, from its first byte on, whatever became of it. */
  readonly #sockets: Set<Socket> = new Set();
  /** One per limit of message size: `ws` keeps that limit in the server object. */
  readonly #upgraders: Map<number, WebSocketServer> = new Map();
  /** What was decided of a request, for the moment between the decision and the handshake. */
  readonly #accepted: WeakMap<IncomingMessage, string> = new WeakMap();

  private constructor(options: ListenOptions, handshakeTimeoutMs: number) {
    this.#options = options;
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#server = createServer({
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.max(50, Math.floor(handshakeTimeoutMs / 6)),
      noDelay: true,
    });
    this.#server.on('connection', (socket) => this.#onSocket(socket));
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** Rejects with the error of listen(2). A connection without a whole request within the timeout is cut. */
  static async start(options: ListenOptions, handshakeTimeoutMs: number): Promise<WebSocketListener> {
    const listener = new WebSocketListener(options, handshakeTimeoutMs);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: options.host, port: options.port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    listener.port = (server.address() as AddressInfo).port;
    // From here on an error is an accept(2) that failed, for want of descriptors most likely: one connection
    // less, and no reason to take the others down.
    server.on('error', () => {});
    return listener;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // A reset at any moment, the one between two owners of the socket included, ends this socket only.
    socket.on('error', () => {});
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    request.on('error', () => {});
    response.on('error', () => {});
    if (this.#options.onRequest !== undefined) {
      this.#options.onRequest(request, response);
      return;
    }
    response.writeHead(404, { 'content-type': 'text/plain', connection: 'close' });
    response.end('not found\n');
  }

  #onUpgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    const upgrade = upgradeRequestOf(request, socket);
    const decision = this.#decide(upgrade);
    if ('refuse' in decision) {
      refuse(socket, decision, this.#handshakeTimeoutMs);
      return;
    }
    this.#accepted.set(request, decision.accept);
    this.#upgraderFor(decision.maxMessageBytes).handleUpgrade(request, socket, head, (webSocket) =>
      this.#onWebSocket(webSocket, socket, { upgrade, decision }),
    );
  }

  #decide(upgrade: UpgradeRequest): UpgradeDecision {
    const decision = this.#options.decide(upgrade);
    if ('refuse' in decision || upgrade.subprotocols.includes(decision.accept)) return decision;
    return { refuse: 400, message: `this path speaks ${decision.accept}` };
  }

  #onWebSocket(
    webSocket: WebSocket,
    socket: Socket,
    { upgrade, decision }: { readonly upgrade: UpgradeRequest; readonly decision: Accepted },
  ): void {
    const connection = new WebSocketConnection({ webSocket, remoteAddress: upgrade.remoteAddress });
    connection.useSocket(socket);
    if (decision.firstMessageBytesMax !== undefined) connection.limitFirst(decision.firstMessageBytesMax);
    this.#options.onConnection(connection);
  }

  #upgraderFor(maxMessageBytes: number): WebSocketServer {
    const known = this.#upgraders.get(maxMessageBytes);
    if (known !== undefined) return known;
    const upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      ...webSocketOptions(maxMessageBytes),
      handleProtocols: (_offered, request) => this.#accepted.get(request) ?? false,
    });
    this.#upgraders.set(maxMessageBytes, upgrader);
    return upgrader;
  }
}

function upgradeRequestOf(request: IncomingMessage, socket: Socket): UpgradeRequest {
  const { origin, host } = request.headers;
  return {
    path: (request.url ?? '/').split('?', 1)[0]!,
    subprotocols: (request.headers['sec-websocket-protocol'] ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    ...(origin === undefined ? {} : { origin }),
    ...(host === undefined ? {} : { host }),
    remoteAddress: `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`,
  };
}

/** Answers as HTTP and ends; who does not take the answer is cut. */
function refuse(socket: Socket, decision: { refuse: number; message: string }, timeoutMs: number): void {
  const body = `${decision.message}\n`;
  socket.once('finish', () => socket.destroy());
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${decision.refuse} ${STATUS_CODES[decision.refuse] ?? 'Refused'}\r\n` +
      'Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
