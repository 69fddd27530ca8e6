import type { Clock, LogIndex, NodeId, PeerMessage } from '@holdfast/types';

interface Sent {
  readonly index: LogIndex;
  /** Monotonic, ms. */
  readonly at: number;
}

/** Appends per peer whose answers are waited for; a peer that never answers is not measured. */
const SENT_MAX = 256;

/** Times how long standbys take to say that they hold what they were sent. For metrics only. */
export class RoundTrips {
  readonly #clock: Clock;
  readonly #observe: (peer: NodeId, durationMs: number) => void;
  readonly #sent = new Map<NodeId, Sent[]>();

  constructor(clock: Clock, observe: (peer: NodeId, durationMs: number) => void) {
    this.#clock = clock;
    this.#observe = observe;
  }

  sent(peer: NodeId, message: PeerMessage): void {
    if (message.kind !== 'append' || message.entries.length === 0) return;
    let sent = this.#sent.get(peer);
    if (sent === undefined) {
      sent = [];
      this.#sent.set(peer, sent);
    }
    if (sent.length >= SENT_MAX) sent.length = 0;
    sent.push({ index: message.entries.at(-1)!.index, at: this.#clock.now() });
  }

  received(peer: NodeId, message: PeerMessage): void {
    if (message.kind !== 'appendMatch') return;
    const sent = this.#sent.get(peer);
    if (sent === undefined) return;
    let answered = 0;
    while (answered < sent.length && sent[answered]!.index <= message.match) {
      this.#observe(peer, this.#clock.now() - sent[answered]!.at);
      answered += 1;
    }
    if (answered > 0) sent.splice(0, answered);
  }
}
