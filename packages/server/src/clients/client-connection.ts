import {
  type Ack,
  type Connection,
  type ErrorCode,
  type ReadReply,
  resultBytes,
  type ServerMessage,
  type Timer,
  TransientMap,
  type WireError,
  type WriteReply,
} from '@holdfast/types';
import { encodeServerMessages } from '@holdfast/wire';
import { CLOSE_CODES } from '../links/close-codes.ts';
import type { RequestSpans } from '../tracing/request-spans.ts';
import type { TurnEnd } from '../turn-end.ts';
import type { ClientDatabase } from './client-database.ts';
import type { ConnectionScans } from './connection-scans.ts';
import type { ConnectionSnapshots } from './connection-snapshots.ts';
import type { ConnectionWatches } from './connection-watches.ts';

/** A request that the core has and has not answered yet. */
export interface PendingRequest {
  readonly kind: 'write' | 'openSession' | 'closeSession';
  /** As asked for; metrics know the write by it. */
  readonly ack: Ack | undefined;
  /** Monotonic, ms. */
  readonly since: number;
}

export interface ClientConnectionOptions {
  readonly number: number;
  readonly connection: Connection;
  /** Monotonic, ms. */
  readonly now: number;
  readonly turnEnd: TurnEnd;
  readonly bufferedBytesMax: number;
  readonly scans: ConnectionScans;
  readonly snapshots: ConnectionSnapshots;
  readonly watches: ConnectionWatches;
  /** It is answered with an error. */
  onError(code: ErrorCode): void;
}

/** Values gathered for one frame; with one more answer it stays below the longest frame a client takes. */
const FRAME_BYTES = 4_194_304;
/** At most, of an item beside its value. Very many small ones fill a frame too. */
const ITEM_BYTES = 32;
/** Events of watches that wait in a socket. */
const WATCH_BUFFERED_BYTES = 1_048_576;

/** What this node keeps of one client: what it waits for, and the answers of this turn. */
export class ClientConnection {
  readonly number: number;
  readonly scans: ConnectionScans;
  readonly snapshots: ConnectionSnapshots;
  readonly watches: ConnectionWatches;
  /** Until it said hello. */
  handshake: Timer | undefined;
  /** Since it said hello. */
  database: ClientDatabase | undefined;
  closed = false;
  /** Since its first sampled request. */
  spans: RequestSpans | undefined;
  /** When anything came from it last. Monotonic, ms. */
  heardAt: number;
  /** Writes and session requests by their id. */
  readonly requests: TransientMap<number, PendingRequest> = new TransientMap();
  /** Reads that the core has, by the node's own number for them. */
  readonly reads: Set<number> = new Set();
  readonly #connection: Connection;
  readonly #turnEnd: TurnEnd;
  readonly #bufferedBytesMax: number;
  readonly #onError: (code: ErrorCode) => void;
  #messages: ServerMessage[] = [];
  #writes: WriteReply[] = [];
  #reads: ReadReply[] = [];
  #bytes = 0;
  #flushing = false;

  constructor(options: ClientConnectionOptions) {
    this.number = options.number;
    this.heardAt = options.now;
    this.scans = options.scans;
    this.snapshots = options.snapshots;
    this.watches = options.watches;
    this.#connection = options.connection;
    this.#turnEnd = options.turnEnd;
    this.#bufferedBytesMax = options.bufferedBytesMax;
    this.#onError = options.onError;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  /** Requests without an answer yet. */
  get outstanding(): number {
    return this.requests.size + this.reads.size + this.scans.busy;
  }

  /** So much waits to be sent that long answers must not be added. */
  get isBackedUp(): boolean {
    return this.#bytes + this.#connection.bufferedBytes > this.#bufferedBytesMax / 2;
  }

  /** So little waits to be sent that events, which wait as well where they are, may be added. */
  get hasWatchRoom(): boolean {
    return this.#bytes + this.#connection.bufferedBytes < WATCH_BUFFERED_BYTES;
  }

  send(message: ServerMessage): void {
    if (message.kind === 'failed') this.#failed(message.error);
    this.spans?.said(message);
    this.#messages.push(message);
    this.#flushLater();
  }

  /** What a transaction's gets met is part of its receipt, and a repeat gets it again: a frame has a longest length. */
  replyToWrite(reply: WriteReply): void {
    this.#writes.push(reply);
    if ('error' in reply) this.#failed(reply.error);
    if ('error' in reply) this.spans?.answered(reply.id, reply.error);
    else this.spans?.acknowledged(reply.id, reply.receipt);
    this.#sent('receipt' in reply ? resultBytes(reply.receipt.result) : 0);
  }

  /** `bytes`: what the values of the answer take, for a frame has a longest length. */
  replyToRead(reply: ReadReply, bytes: number): void {
    this.#reads.push(reply);
    if ('error' in reply) this.#failed(reply.error);
    this.spans?.answered(reply.id, 'error' in reply ? reply.error : undefined);
    this.#sent('answer' in reply ? bytes + reply.answer.items.length * ITEM_BYTES : bytes);
  }

  /** `bytes`: as with answers. */
  sendLong(message: Extract<ServerMessage, { kind: 'scanPage' | 'watchEvents' }>, bytes: number): void {
    this.#messages.push(message);
    this.spans?.said(message);
    this.#sent(bytes);
  }

  /** Says `last`, then closes. */
  close(code: number, reason: string, last?: ServerMessage): void {
    if (last !== undefined) this.send(last);
    this.#flush();
    this.#connection.close(code, reason);
  }

  /** Cuts it without a word: the other side is gone. */
  terminate(): void {
    this.#connection.terminate();
  }

  #failed({ code }: WireError): void {
    if (!this.closed) this.#onError(code);
  }

  #sent(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= FRAME_BYTES) this.#flush();
    else this.#flushLater();
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#turnEnd.add(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    this.#bytes = 0;
    const messages = this.#messages;
    if (this.#writes.length > 0) messages.push({ kind: 'writeReplies', replies: this.#writes });
    if (this.#reads.length > 0) messages.push({ kind: 'readReplies', replies: this.#reads });
    this.#messages = [];
    this.#writes = [];
    this.#reads = [];
    if (messages.length === 0 || this.closed) return;
    // It asks and does not read: its answers must not fill the memory of all. That of now counts once it waits: it may be
    // longer than all that may, and would never be told.
    if (this.#connection.bufferedBytes > this.#bufferedBytesMax) {
      this.#connection.close(CLOSE_CODES.overflow, 'answers pile up unread');
      this.#connection.terminate();
    } else this.#connection.send(encodeServerMessages(messages));
  }
}
