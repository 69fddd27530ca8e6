import type { Store } from '@holdfast/store';
import type { Clock, NodeId, PeerHello, Position, Random, Transport } from '@holdfast/types';
import { randomName } from '../data-directory.ts';
import { SnapshotSender } from './snapshot-sender.ts';

export interface SnapshotSendersOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly handshakeTimeoutMs: number;
  ownHello(): PeerHello;
  urlOf(peer: NodeId): string;
  /** So much of an image has been sent to some peer by now, bytes. */
  onProgress(sentBytes: number): void;
  onSent(peer: NodeId, position: Position | undefined): void;
  onFailed(peer: NodeId, reason: string): void;
}

/** The snapshots on their way to peers, at most one to each. */
export class SnapshotSenders {
  readonly #options: SnapshotSendersOptions;
  readonly #senders = new Map<NodeId, SnapshotSender>();
  /** Those that have ended as well, for as long as they are in the middle of a read. */
  readonly #reading = new Set<SnapshotSender>();

  constructor(options: SnapshotSendersOptions) {
    this.#options = options;
  }

  send(peer: NodeId, store: Store): void {
    this.cancel(peer);
    const { transport, clock, random, handshakeTimeoutMs, ownHello, urlOf } = this.#options;
    const { onProgress, onSent, onFailed } = this.#options;
    const sender: SnapshotSender = new SnapshotSender({
      id: randomName(random),
      peer,
      url: urlOf(peer),
      store,
      transport,
      clock,
      handshakeTimeoutMs,
      ownHello,
      onProgress,
      onEnd: (result) => {
        void sender.unread.then(() => this.#reading.delete(sender));
        // The answer to a transfer that was replaced says nothing about the one in its place.
        if (this.#senders.get(peer) !== sender) return;
        this.#senders.delete(peer);
        if ('reason' in result) onFailed(peer, result.reason);
        onSent(peer, 'position' in result ? result.position : undefined);
      },
    });
    this.#senders.set(peer, sender);
    this.#reading.add(sender);
  }

  cancel(peer: NodeId): void {
    const sender = this.#senders.get(peer);
    this.#senders.delete(peer);
    void sender?.cancel('not needed any more');
  }

  /** Ends all transfers; resolves when the store is no longer read. */
  async cancelAll(reason: string): Promise<void> {
    await Promise.all([...this.#reading].map((sender) => sender.cancel(reason)));
  }
}
