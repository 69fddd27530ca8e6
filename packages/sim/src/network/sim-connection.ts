import {
  assert,
  type Clock,
  type CloseInfo,
  type Connection,
  type ConnectionHandlers,
  type ListenOptions,
} from '@holdfast/types';
import type { NetworkObserver, SentMessage } from './network-observer.ts';
import type { SimWire } from './sim-wire.ts';

const ABNORMAL_CODE = 1006;
const TOO_BIG_CODE = 1009;
/** How long a side that is closing waits for the other's answer, as the real transport does. */
const CLOSE_TIMEOUT_MS = 3000;

const NO_HANDLERS: ConnectionHandlers = { onMessage: () => {}, onClose: () => {} };

export interface SimConnectionOptions {
  readonly clock: Clock;
  /** To the other side. */
  readonly wire: SimWire;
  readonly remoteAddress: string;
  readonly maxMessageBytes: number;
  /** Called when it is over for this side. */
  readonly onEnd: (connection: SimConnection) => void;
  readonly observer?: NetworkObserver | undefined;
  /** A message of this side has come in at the other, and was not the first one. */
  readonly onArrived?: (message: SentMessage) => void;
  readonly handlers?: ConnectionHandlers;
  /** Who accepted it; absent at the side that connected. */
  readonly listener?: ListenOptions;
}

/** One end of a simulated connection. Methods named `onX` are what arrives from the other end. */
export class SimConnection implements Connection {
  readonly remoteAddress: string;
  readonly wire: SimWire;
  handlers: ConnectionHandlers;
  subprotocol = '';
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  #other: SimConnection | undefined;
  #hasReceived = false;
  /** Of whole messages. */
  #receivedBytes = 0;
  readonly #options: SimConnectionOptions;

  constructor(options: SimConnectionOptions) {
    this.#options = options;
    this.remoteAddress = options.remoteAddress;
    this.wire = options.wire;
    this.handlers = options.handlers ?? NO_HANDLERS;
  }

  get listener(): ListenOptions | undefined {
    return this.#options.listener;
  }

  /** Something has come in here. */
  get hasReceived(): boolean {
    return this.#hasReceived;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get bufferedBytes(): number {
    return this.#state === 'closed' ? 0 : this.wire.stalledBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes + (this.isOpen ? (this.#other?.wire.arrivedBytes ?? 0) : 0);
  }

  send(bytes: Uint8Array): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    assert(this.#state === 'open', 'sent before onOpen');
    const { observer, listener } = this.#options;
    const { from, to } = this.wire.link;
    const message = { from, to, subprotocol: this.subprotocol, isCallers: listener === undefined, bytes };
    const number = observer?.onSent(message);
    this.wire.send(bytes.length, () => {
      if (number !== undefined && this.#other?.isOpen === true) observer?.onArrived(number, message);
      const isFirst = this.#other?.hasReceived === false;
      this.#other?.onMessage(bytes);
      if (!isFirst && this.#other?.isOpen === true) this.#options.onArrived?.(message);
    });
  }

  close(code = 1000, reason = ''): void {
    assert(code === 1000 || (code >= 4000 && code <= 4999), `not a close code: ${code}`);
    if (this.#state === 'connecting') this.terminate();
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.wire.send(0, () => this.#other?.onCloseFrame(code, reason));
    this.#options.clock.setTimer(CLOSE_TIMEOUT_MS, () => {
      if (this.#state !== 'closed') this.wire.dropUnsent();
      this.#end('closed', ABNORMAL_CODE, 'close not answered');
    });
  }

  terminate(): void {
    this.abandon('terminated');
  }

  /** Cuts this side off at once; the other learns of it when the news arrives. */
  abandon(reason: string): void {
    if (this.#state === 'closed') return;
    const cause = this.#state === 'connecting' ? 'refused' : 'closed';
    this.#state = 'closing';
    this.wire.dropUnsent();
    this.wire.send(0, () => this.#other?.onCut());
    this.#options.clock.setTimer(0, () => this.#end(cause, ABNORMAL_CODE, reason));
  }

  /** The process of this side is gone: its handlers are not called any more. */
  die(): void {
    this.handlers = NO_HANDLERS;
    this.terminate();
  }

  /** The machine of this side has lost power: what it sent is lost too, and the other side is not told. */
  vanish(): void {
    this.handlers = NO_HANDLERS;
    this.wire.clear();
    this.#end('closed', ABNORMAL_CODE, 'vanished');
  }

  /** Joined with `other`; from now on both can send. */
  open(other: SimConnection, subprotocol: string): void {
    this.#other = other;
    this.subprotocol = subprotocol;
    this.#state = 'open';
  }

  onAccepted(other: SimConnection, subprotocol: string): void {
    if (this.#state !== 'connecting') {
      this.wire.send(0, () => other.onCut());
      return;
    }
    this.open(other, subprotocol);
    this.handlers.onOpen?.();
  }

  /** The answer to the handshake is a refusal, or did not come in time. */
  onRefused(reason: string): void {
    if (this.#state === 'connecting') this.#end('refused', ABNORMAL_CODE, reason);
  }

  onMessage(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#hasReceived = true;
    this.#receivedBytes += bytes.length;
    if (bytes.length <= this.#options.maxMessageBytes) {
      this.handlers.onMessage(bytes.slice());
      return;
    }
    this.wire.send(0, () => this.#other?.onCloseAnswer(TOO_BIG_CODE, ''));
    this.#end('closed', ABNORMAL_CODE, 'message too big');
  }

  onCloseFrame(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.wire.send(0, () => this.#other?.onCloseAnswer(code, reason));
    this.#end('closed', code, reason);
  }

  onCloseAnswer(code: number, reason: string): void {
    this.#end('closed', code, reason);
  }

  onCut(): void {
    this.wire.dropUnsent();
    this.#end(this.#state === 'connecting' ? 'refused' : 'closed', ABNORMAL_CODE, 'connection lost');
  }

  #end(cause: CloseInfo['cause'], code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#options.onEnd(this);
    this.handlers.onClose({ cause, code, reason });
  }
}
