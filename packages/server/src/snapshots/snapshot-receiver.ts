import { type SnapshotReceiver as ReceivedStore, Store, type StoreOptions } from '@holdfast/store';
import {
  assertNever,
  type Clock,
  type Connection,
  type Disk,
  HoldfastError,
  type NodeId,
  type PeerHello,
  type SnapshotMessage,
  type StoreState,
  type Timer,
} from '@holdfast/types';
import {
  decodePeerHello,
  decodeSnapshotMessage,
  encodePeerHello,
  encodeSnapshotMessage,
} from '@holdfast/wire';
import { CLOSE_CODES, closeCodeOf } from '../links/close-codes.ts';
import { type HelloRefusal, judgeHello } from '../links/hello.ts';
import { SNAPSHOT_TRANSFER } from './snapshot-timing.ts';

export interface SnapshotReceiverOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly storeLocation: StoreOptions['location'];
  readonly handshakeTimeoutMs: number;
  ownHello(): PeerHello;
  /** A directory to build the store in, and its path. Undefined: this node takes no snapshot now. */
  newDirectory(): { readonly name: string; readonly path: string } | undefined;
  /** It stands verified and synced in `directory`; `settle` says what became of it. */
  onReceived(directory: string, state: StoreState): void;
  onRefused(who: string, refusal: HelloRefusal): void;
  /** It ended before that. */
  onFailed(peer: NodeId, reason: string): void;
}

/** One transfer, from the hello on. */
interface Transfer {
  readonly connection: Connection;
  timer: Timer | undefined;
  peer: NodeId | undefined;
  id: string | undefined;
  directory: string | undefined;
  /** While it is being built; removed with the transfer. */
  store: ReceivedStore | undefined;
  /** Chunks that came in, and chunks that are stored. */
  chunks: number;
  stored: number;
  /** Bytes that had come in at the last look, and for how long none have. */
  receivedBytes: number;
  silentMs: number;
  /** Disk work of this transfer, in turn. */
  work: Promise<void>;
  ended: boolean;
}

/** Chunks that a sender may be ahead of the disk; it is told to stay far below. */
const QUEUE_CHUNKS_MAX = 4 * SNAPSHOT_TRANSFER.windowChunks;

const CONNECTIONS_MAX = 16;

/** Takes in snapshots from peers, one at a time, into a directory beside the store. */
export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  readonly #transfers = new Set<Transfer>();
  /** The one that has begun; others are refused until it ends. */
  #current: Transfer | undefined;
  /** What those that have ended still do to the files. */
  readonly #leaving = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  accept(connection: Connection): void {
    const transfer: Transfer = {
      connection,
      timer: undefined,
      peer: undefined,
      id: undefined,
      directory: undefined,
      store: undefined,
      chunks: 0,
      stored: 0,
      receivedBytes: 0,
      silentMs: 0,
      work: Promise.resolve(),
      ended: false,
    };
    this.#transfers.add(transfer);
    connection.handlers = {
      onMessage: (bytes) => this.#onMessage(transfer, bytes),
      onClose: (info) =>
        this.#fail(transfer, CLOSE_CODES.done, info.reason === '' ? 'the link was lost' : info.reason),
    };
    if (this.#stopped) {
      this.#fail(transfer, CLOSE_CODES.stopping, 'the node stops');
      return;
    }
    if (this.#transfers.size > CONNECTIONS_MAX) {
      this.#fail(transfer, CLOSE_CODES.tooMany, 'too many snapshot links');
      return;
    }
    transfer.timer = this.#options.clock.setTimer(
      this.#options.handshakeTimeoutMs,
      () => this.#fail(transfer, CLOSE_CODES.handshakeTimeout, 'no hello in time'),
      { background: true },
    );
  }

  /** What became of the snapshot in `directory`: told to its sender. */
  settle(directory: string, taken: boolean): void {
    const transfer = this.#current;
    if (transfer === undefined || transfer.directory !== directory || transfer.id === undefined) return;
    const { id } = transfer;
    const reason = 'not above what is applied here';
    this.#report(
      transfer,
      taken ? { kind: 'snapshotResult', id, ok: true } : { kind: 'snapshotResult', id, ok: false, reason },
    );
    transfer.connection.close(CLOSE_CODES.done, '');
    this.#release(transfer);
  }

  /** Resolves when no transfer writes or removes anything any more, and none will. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const transfer of this.#transfers) this.#fail(transfer, CLOSE_CODES.stopping, 'the node stops');
    await Promise.all(this.#leaving);
  }

  #onMessage(transfer: Transfer, bytes: Uint8Array): void {
    if (transfer.ended) return;
    try {
      if (transfer.peer === undefined) this.#onHello(transfer, decodePeerHello(bytes));
      else this.#onSnapshotMessage(transfer, decodeSnapshotMessage(bytes));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#fail(transfer, closeCodeOf(error), error.message);
    }
  }

  #onHello(transfer: Transfer, hello: PeerHello): void {
    const refusal = judgeHello({ own: this.#options.ownHello(), theirs: hello });
    if (refusal !== undefined) {
      this.#options.onRefused(transfer.connection.remoteAddress, refusal);
      this.#fail(transfer, refusal.closeCode, refusal.reason);
      return;
    }
    transfer.peer = hello.node;
    transfer.connection.send(encodePeerHello(this.#options.ownHello()));
    this.#lookLater(transfer);
  }

  #onSnapshotMessage(transfer: Transfer, message: SnapshotMessage): void {
    switch (message.kind) {
      case 'snapshotBegin':
        this.#onBegin(transfer, message);
        break;
      case 'snapshotChunk':
        this.#onChunk(transfer, message);
        break;
      case 'snapshotEnd':
        this.#onEnd(transfer, message);
        break;
      case 'snapshotProgress':
      case 'snapshotResult':
        throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${message.kind} came from the sending side`);
      default:
        assertNever(message);
    }
  }

  #onBegin(transfer: Transfer, message: Extract<SnapshotMessage, { kind: 'snapshotBegin' }>): void {
    if (transfer.id !== undefined) throw outOfOrder('a second snapshotBegin');
    // A sender that begins anew has given up the transfer before it.
    if (this.#current?.peer === transfer.peer && this.#current !== undefined) {
      this.#fail(this.#current, CLOSE_CODES.replaced, 'a newer transfer took its place');
    }
    const directory = this.#current === undefined ? this.#options.newDirectory() : undefined;
    if (directory === undefined) {
      this.#fail(transfer, CLOSE_CODES.tooMany, 'no snapshot is taken in now');
      return;
    }
    this.#current = transfer;
    transfer.id = message.id;
    transfer.directory = directory.name;
    const { disk, storeLocation } = this.#options;
    this.#work(transfer, async () => {
      transfer.store = await Store.receiveSnapshot({
        directory: directory.path,
        disk,
        ...(storeLocation === undefined ? {} : { location: storeLocation }),
      });
    });
  }

  #onChunk(transfer: Transfer, message: Extract<SnapshotMessage, { kind: 'snapshotChunk' }>): void {
    const number = transfer.chunks + 1;
    if (transfer.id !== message.id || message.number !== number)
      throw outOfOrder(`chunk ${message.number}, not ${number}`);
    if (transfer.chunks - transfer.stored >= QUEUE_CHUNKS_MAX)
      throw outOfOrder('more chunks than the window allows');
    transfer.chunks = number;
    this.#work(transfer, async () => {
      await transfer.store?.write(message.records);
      transfer.stored = number;
      this.#report(transfer, { kind: 'snapshotProgress', id: message.id, number });
    });
  }

  #onEnd(transfer: Transfer, message: Extract<SnapshotMessage, { kind: 'snapshotEnd' }>): void {
    if (transfer.id !== message.id || message.chunks !== transfer.chunks)
      throw outOfOrder('chunks are missing');
    // From here on this side works and the other waits.
    this.#sayAlive(transfer);
    this.#work(transfer, async () => {
      const { store, directory } = transfer;
      if (store === undefined || directory === undefined) return;
      const state = await store.finish(message.digest);
      // The directory is the database's from here on, whatever becomes of the link.
      transfer.store = undefined;
      this.#options.onReceived(directory, state);
    });
  }

  #work(transfer: Transfer, work: () => Promise<void>): void {
    transfer.work = transfer.work
      .then(() => (transfer.ended ? undefined : work()))
      .catch((error: unknown) => {
        this.#fail(
          transfer,
          CLOSE_CODES.invalidMessage,
          error instanceof Error ? error.message : String(error),
        );
      });
  }

  #report(transfer: Transfer, message: SnapshotMessage): void {
    if (!transfer.ended) transfer.connection.send(encodeSnapshotMessage(message));
  }

  #lookLater(transfer: Transfer): void {
    transfer.timer?.cancel();
    transfer.timer = this.#options.clock.setTimer(SNAPSHOT_TRANSFER.aliveMs, () => this.#look(transfer), {
      background: true,
    });
  }

  /** A chunk may be long under way: while bytes of it come in the transfer moves, and its sender is told (ADR 9). */
  #look(transfer: Transfer): void {
    const { receivedBytes } = transfer.connection;
    const arrived = receivedBytes > transfer.receivedBytes;
    transfer.receivedBytes = receivedBytes;
    transfer.silentMs = arrived ? 0 : transfer.silentMs + SNAPSHOT_TRANSFER.aliveMs;
    if (transfer.silentMs >= SNAPSHOT_TRANSFER.stallMsMax) {
      this.#fail(transfer, CLOSE_CODES.silent, 'the sender went silent');
      return;
    }
    if (arrived) this.#reportAlive(transfer);
    this.#lookLater(transfer);
  }

  #sayAlive(transfer: Transfer): void {
    transfer.timer?.cancel();
    if (transfer.ended || transfer.id === undefined) return;
    this.#reportAlive(transfer);
    transfer.timer = this.#options.clock.setTimer(SNAPSHOT_TRANSFER.aliveMs, () => this.#sayAlive(transfer), {
      background: true,
    });
  }

  #reportAlive(transfer: Transfer): void {
    const { id, stored } = transfer;
    if (id !== undefined) this.#report(transfer, { kind: 'snapshotProgress', id, number: stored });
  }

  #fail(transfer: Transfer, code: number, reason: string): void {
    if (transfer.ended) return;
    transfer.connection.close(code, reason);
    this.#release(transfer);
    if (transfer.peer !== undefined) this.#options.onFailed(transfer.peer, reason);
  }

  #release(transfer: Transfer): void {
    transfer.ended = true;
    transfer.timer?.cancel();
    this.#transfers.delete(transfer);
    if (this.#current === transfer) this.#current = undefined;
    // After the work under way: it may be the one that finishes the store, or the one that makes it.
    const leaving = transfer.work.then(() => transfer.store?.abort()).catch(() => undefined);
    transfer.work = leaving;
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
  }
}

function outOfOrder(what: string): HoldfastError {
  return new HoldfastError('HOLDFAST_INVALID_MESSAGE', `snapshot transfer out of order: ${what}`);
}
