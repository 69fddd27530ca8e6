import type { Socket } from 'node:net';
import { assert, type CloseInfo, type Connection, type ConnectionHandlers } from '@holdfast/types';
import { WebSocket } from 'ws';

/** Close code for a peer that speaks text: everything here is binary. */
const TEXT_FRAME_CODE = 4000;

/** As `ws` says it of any other message. */
const TOO_LONG_CODE = 1009;

const SEND_OPTIONS = { binary: true, compress: false } as const;
/** A close frame's reason may not be longer. */
const REASON_BYTES_MAX = 123;
const ABNORMAL_CODE = 1006;
/** How long a side that is closing waits for the other's answer. */
const CLOSE_TIMEOUT_MS = 3000;

/**
 * Common to both sides. The bounds on fragments, chunks and pongs that `ws` sets by default stay in force.
 * A function, for `closeTimeout` is not in the type declarations of `ws` yet.
 */
export function webSocketOptions(maxMessageBytes: number): {
  perMessageDeflate: false;
  skipUTF8Validation: true;
  maxPayload: number;
} {
  const options = {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload: maxMessageBytes,
    closeTimeout: CLOSE_TIMEOUT_MS,
  } as const;
  return options;
}

const NO_HANDLERS: ConnectionHandlers = { onMessage: () => {}, onClose: () => {} };

export interface WebSocketConnectionOptions {
  readonly webSocket: WebSocket;
  readonly remoteAddress: string;
  readonly handlers?: ConnectionHandlers;
}

/** Either end of a WebSocket. */
export class WebSocketConnection implements Connection {
  readonly remoteAddress: string;
  handlers: ConnectionHandlers;
  readonly #webSocket: WebSocket;
  #opened: boolean;
  /** This side has said that it is done: nothing more is handed up but `onClose`. */
  #ended = false;
  /** A first message was whole. */
  #received = false;
  #failure: string | undefined;
  /** Set while messages are held back to leave in one call. */
  #corked: Socket | undefined;
  #socket: Socket | undefined;

  constructor(options: WebSocketConnectionOptions) {
    const webSocket = options.webSocket;
    this.#webSocket = webSocket;
    this.remoteAddress = options.remoteAddress;
    this.handlers = options.handlers ?? NO_HANDLERS;
    this.#opened = webSocket.readyState === WebSocket.OPEN;
    webSocket.on('open', () => this.#onOpen());
    webSocket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    webSocket.on('error', (error) => {
      this.#failure ??= error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
    });
    webSocket.on('close', (code, reason) => this.#onClose(code, reason.toString()));
  }

  get subprotocol(): string {
    return this.#webSocket.protocol;
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  get receivedBytes(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** The socket below, once it is known. */
  useSocket(socket: Socket): void {
    this.#socket = socket;
  }

  /** `ws` has one limit for all messages of a connection; this one counts what comes in until the first is whole. */
  limitFirst(bytesMax: number): void {
    const socket = this.#socket;
    assert(socket !== undefined, 'no socket to count on');
    let bytes = 0;
    // Called after the reader of `ws`, which has handed up a whole message by then.
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (!this.#received && bytes <= bytesMax) return;
      socket.off('data', count);
      if (this.#received || this.#ended) return;
      this.close(TOO_LONG_CODE, `the first message is longer than ${bytesMax} bytes`);
      // The other side has until the close times out to read this; nothing more is kept of what it says.
      socket.removeAllListeners('data');
      socket.on('data', () => {});
    };
    socket.on('data', count);
  }

  send(bytes: Uint8Array): void {
    if (this.#ended) return;
    assert(this.#opened, 'sent before onOpen');
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    this.#cork();
    this.#webSocket.send(bytes, SEND_OPTIONS);
  }

  close(code = 1000, reason = ''): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#webSocket.close(code, shortened(reason));
  }

  terminate(): void {
    this.#ended = true;
    this.#webSocket.terminate();
  }

  /** Ends the attempt to connect; `reason` is what `onClose` tells. */
  abandon(reason: string): void {
    this.#failure ??= reason;
    this.#webSocket.terminate();
  }

  /**
   * Each write to an idle socket is a system call; what is sent at once becomes one. It leaves with the next microtask
   * and not with the next tick: before that every microtask of the turn runs, and one of them writes to the log.
   */
  #cork(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#corked !== undefined) return;
    this.#corked = socket;
    socket.cork();
    queueMicrotask(() => {
      this.#corked = undefined;
      socket.uncork();
    });
  }

  #onOpen(): void {
    this.#opened = true;
    if (!this.#ended) this.handlers.onOpen?.();
  }

  #onMessage(bytes: Buffer, isBinary: boolean): void {
    this.#received = true;
    if (this.#ended) return;
    if (isBinary) this.handlers.onMessage(bytes);
    else this.close(TEXT_FRAME_CODE, 'binary frames only');
  }

  #onClose(code: number, reason: string): void {
    this.#ended = true;
    const cause: CloseInfo['cause'] = this.#opened ? 'closed' : 'refused';
    const said = reason === '' ? (this.#failure ?? '') : reason;
    this.handlers.onClose({ cause, code: cause === 'closed' ? code : ABNORMAL_CODE, reason: said });
  }
}

/** A connection that could not even be tried; `onClose` follows in a later turn. */
export class FailedConnection implements Connection {
  readonly remoteAddress: string;
  readonly subprotocol = '';
  readonly bufferedBytes = 0;
  readonly receivedBytes = 0;
  handlers: ConnectionHandlers;

  constructor(options: { remoteAddress: string; handlers: ConnectionHandlers; reason: string }) {
    this.remoteAddress = options.remoteAddress;
    this.handlers = options.handlers;
    setImmediate(() =>
      this.handlers.onClose({ cause: 'refused', code: ABNORMAL_CODE, reason: options.reason }),
    );
  }

  send(): void {}

  close(): void {}

  terminate(): void {}
}

/** Cut to what a close frame takes, between characters. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= REASON_BYTES_MAX) return reason;
  let end = REASON_BYTES_MAX;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
