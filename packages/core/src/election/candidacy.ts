import type { NodeId, PeerMessage, Term, Ticket } from '@holdfast/types';
import { quorumSize } from '../acks/ack-rules.ts';

type PreVoteReason = Extract<PeerMessage, { kind: 'preVoteReply' }>['reason'];

/** Asking whether standing would succeed; raises no term. */
export class PreVoteRound {
  readonly term: Term;
  readonly startedAt: number;
  askAt: number;
  readonly #voters: number;
  /** The candidate agrees with itself. */
  #granted = new Set<NodeId>();
  #refused = new Map<NodeId, PreVoteReason>();

  constructor(options: { readonly term: Term; readonly now: number; readonly voters: number }) {
    this.term = options.term;
    this.startedAt = options.now;
    this.askAt = options.now;
    this.#voters = options.voters;
  }

  answer(from: NodeId, granted: boolean, reason: PreVoteReason): void {
    if (granted) {
      this.#granted.add(from);
      this.#refused.delete(from);
    } else if (!this.#granted.has(from)) this.#refused.set(from, reason);
  }

  get won(): boolean {
    return this.#granted.size + 1 >= quorumSize(this.#voters);
  }

  /** A majority cannot be had any more, whatever is answered to a repeat. */
  get hopeless(): boolean {
    let final = 0;
    for (const reason of this.#refused.values()) if (reason !== 'sticky') final++;
    return this.#voters - final < quorumSize(this.#voters);
  }

  hasGranted(peer: NodeId): boolean {
    return this.#granted.has(peer);
  }

  /** Refused for stickiness alone: it may have changed its mind. */
  isSticky(peer: NodeId): boolean {
    return this.#refused.get(peer) === 'sticky';
  }
}

/** A real election: this node's own vote counts once it is durable, like any other (P6). */
export class VoteRound {
  readonly term: Term;
  readonly ticket: Ticket;
  readonly startedAt: number;
  /** Standing on the order of this primary. */
  readonly transferFrom: NodeId | undefined;
  readonly #voters: number;
  #granted = new Set<NodeId>();
  #refused = new Set<NodeId>();

  constructor(options: {
    readonly term: Term;
    readonly ticket: Ticket;
    readonly now: number;
    readonly voters: number;
    readonly transferFrom: NodeId | undefined;
  }) {
    this.term = options.term;
    this.ticket = options.ticket;
    this.startedAt = options.now;
    this.#voters = options.voters;
    this.transferFrom = options.transferFrom;
  }

  answer(from: NodeId, granted: boolean): void {
    (granted ? this.#granted : this.#refused).add(from);
  }

  get won(): boolean {
    return this.#granted.size >= quorumSize(this.#voters);
  }

  get lost(): boolean {
    return this.#voters - this.#refused.size < quorumSize(this.#voters);
  }
}
