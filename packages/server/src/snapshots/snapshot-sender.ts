import type { Store, StoreSnapshot } from '@holdfast/store';
import {
  type Clock,
  type Connection,
  HoldfastError,
  LIMITS,
  type NodeId,
  type PeerHello,
  type Position,
  SNAPSHOT_SUBPROTOCOL,
  type SnapshotMessage,
  type Timer,
  type Transport,
} from '@holdfast/types';
import {
  decodePeerHello,
  decodeSnapshotMessage,
  encodePeerHello,
  encodeSnapshotMessage,
} from '@holdfast/wire';
import { judgeHello } from '../links/hello.ts';
import { SNAPSHOT_TRANSFER } from './snapshot-timing.ts';

export interface SnapshotSenderOptions {
  readonly id: string;
  readonly peer: NodeId;
  /** ws://host:port of the peer, without a path. */
  readonly url: string;
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly handshakeTimeoutMs: number;
  ownHello(): PeerHello;
  /** So much of the image has been sent by now, bytes. */
  onProgress(sentBytes: number): void;
  /** Once: `position` is what the peer holds now; without it the transfer failed, for `reason`. */
  onEnd(result: { readonly position: Position } | { readonly reason: string }): void;
}

/** Sends one consistent image of the store to one peer, on a connection of its own. */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #connection: Connection;
  #snapshot: StoreSnapshot | undefined;
  #greeted = false;
  #ended = false;
  #sent = 0;
  #sentBytes = 0;
  #stored = 0;
  #stall: Timer | undefined;
  /** Lets the stream go on when the window opens, or the transfer ends. */
  #wake: (() => void) | undefined;
  /** Settles when the image is no longer read. */
  #streaming: Promise<void> = Promise.resolve();

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
    this.#connection = options.transport.connect({
      url: `${options.url}/snapshot`,
      subprotocol: SNAPSHOT_SUBPROTOCOL,
      handshakeTimeoutMs: options.handshakeTimeoutMs,
      maxMessageBytes: LIMITS.peerFrameBytesMax,
      handlers: {
        onOpen: () => this.#connection.send(encodePeerHello(options.ownHello())),
        onMessage: (bytes) => this.#onMessage(bytes),
        onClose: (info) =>
          this.#end({ reason: info.reason === '' ? `the link was ${info.cause}` : info.reason }),
      },
    });
    this.#progressed();
  }

  /** Resolves when the store is no longer read. */
  async cancel(reason: string): Promise<void> {
    this.#end({ reason });
    await this.unread;
  }

  /** Of a transfer that has ended: settles when the store is no longer read. */
  get unread(): Promise<void> {
    return this.#streaming;
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      if (this.#greeted) this.#onReport(decodeSnapshotMessage(bytes));
      else this.#onHello(decodePeerHello(bytes));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#end({ reason: error.message });
    }
  }

  #onHello(hello: PeerHello): void {
    const refusal = judgeHello({
      own: this.#options.ownHello(),
      theirs: hello,
      expected: this.#options.peer,
    });
    if (refusal !== undefined) {
      this.#end({ reason: refusal.reason });
      return;
    }
    this.#greeted = true;
    this.#progressed();
    this.#snapshot = this.#options.store.openSnapshot();
    this.#streaming = this.#stream(this.#snapshot).catch((error: unknown) => {
      this.#end({ reason: error instanceof Error ? error.message : String(error) });
    });
  }

  #onReport(message: SnapshotMessage): void {
    if (message.id !== this.#options.id) return;
    if (message.kind === 'snapshotProgress') {
      this.#stored = Math.min(this.#sent, Math.max(this.#stored, message.number));
      this.#progressed();
      this.#wake?.();
    }
    if (message.kind === 'snapshotResult') {
      const position = this.#snapshot?.position;
      if (message.ok && position !== undefined) this.#end({ position });
      else this.#end({ reason: message.reason ?? 'the receiver refused it' });
    }
  }

  async #stream(snapshot: StoreSnapshot): Promise<void> {
    const { id } = this.#options;
    try {
      this.#send({ kind: 'snapshotBegin', id, position: snapshot.position });
      for await (const records of snapshot.chunks(SNAPSHOT_TRANSFER.chunkBytesMax)) {
        await this.#windowOpens();
        if (this.#ended) return;
        this.#sent += 1;
        this.#send({ kind: 'snapshotChunk', id, number: this.#sent, records });
      }
      this.#send({ kind: 'snapshotEnd', id, chunks: this.#sent, digest: snapshot.digest() });
    } finally {
      await snapshot.close();
    }
  }

  async #windowOpens(): Promise<void> {
    while (!this.#ended && this.#sent - this.#stored >= SNAPSHOT_TRANSFER.windowChunks) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #send(message: SnapshotMessage): void {
    if (this.#ended) return;
    const bytes = encodeSnapshotMessage(message);
    this.#connection.send(bytes);
    this.#sentBytes += bytes.byteLength;
    this.#options.onProgress(this.#sentBytes);
  }

  #progressed(): void {
    this.#stall?.cancel();
    this.#stall = this.#options.clock.setTimer(
      SNAPSHOT_TRANSFER.stallMsMax,
      () => this.#end({ reason: `no progress for ${SNAPSHOT_TRANSFER.stallMsMax} ms` }),
      { background: true },
    );
  }

  #end(result: { readonly position: Position } | { readonly reason: string }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stall?.cancel();
    this.#wake?.();
    this.#connection.close(1000, '');
    this.#options.onEnd(result);
  }
}
