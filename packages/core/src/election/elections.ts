import {
  assert,
  type NodeId,
  type PeerMessage,
  type Position,
  type Term,
  type Ticket,
} from '@holdfast/types';
import { quorumSize } from '../acks/ack-rules.ts';
import type { Context } from '../kernel/context.ts';
import { PreVoteRound, VoteRound } from './candidacy.ts';
import { FailoverMonitor } from './failover-monitor.ts';

/** Whoever grants a pre-vote keeps still for so long, ms. */
const YIELD_MS = 50;

type PreVote = Extract<PeerMessage, { kind: 'preVote' }>;
type PreVoteReply = Extract<PeerMessage, { kind: 'preVoteReply' }>;
type Vote = Extract<PeerMessage, { kind: 'vote' }>;
type VoteReply = Extract<PeerMessage, { kind: 'voteReply' }>;

/** What elections need from the rest of the core. */
export interface ElectionHooks {
  /** Sound log and store, member of the cluster: it could lead. */
  canStand(): boolean;
  /** In office with a majority heard within an election timeout. */
  hasMajority(): boolean;
  /** Adopts the term, and with it, in one persist, a vote in it. */
  becomeStandby(term: Term, reason: string, votedFor?: NodeId): void;
  becomePrimary(): void;
}

/** Pre-votes and votes. Raft §9.6 and §4.2.3 of Ongaro's dissertation for pre-vote and stickiness. */
export class Elections {
  readonly monitor: FailoverMonitor;
  readonly #context: Context;
  readonly #hooks: ElectionHooks;
  #preVote: PreVoteRound | undefined;
  #vote: VoteRound | undefined;
  #yieldUntil = 0;
  /** Refused out of loyalty alone, by who asked; answered anew should this node come to suspect the primary. */
  readonly #refused = new Map<NodeId, { readonly message: PreVote; readonly at: number }>();

  constructor(context: Context, hooks: ElectionHooks) {
    this.#context = context;
    this.#hooks = hooks;
    this.monitor = new FailoverMonitor(context, () => this.#reconsider());
  }

  tick(): void {
    const { now, role, config } = this.#context;
    if (role === 'candidate') {
      const vote = this.#vote!;
      if (now - vote.startedAt > config.timing.electionTimeoutMs) this.#loseVote('nobody won in time');
      return;
    }
    if (role !== 'standby' || now < this.#yieldUntil) return;
    if (this.#preVote !== undefined) this.#continuePreVote(this.#preVote);
    else if (now >= this.monitor.electionAt) this.#beginPreVote(this.#whyStand());
  }

  /** The term changed or a primary was heard: whatever was asked is moot. */
  abandon(): void {
    this.#preVote = undefined;
    this.#vote = undefined;
    this.#refused.clear();
  }

  onPreVote(from: NodeId, message: PreVote): void {
    const reason = this.#judgePreVote(from, message);
    if (reason === 'granted') {
      this.#preVote = undefined;
      this.#yieldUntil = this.#context.now + YIELD_MS;
      this.monitor.standAfter(YIELD_MS);
    }
    const granted = reason === 'granted';
    const term = granted ? message.term : this.#context.term;
    this.#context.sendAfter(this.#context.persists.stateTicket, from, {
      kind: 'preVoteReply',
      term,
      granted,
      reason,
    });
    if (reason === 'sticky') this.#refused.set(from, { message, at: this.#context.now });
    else this.#refused.delete(from);
    if (this.#preVote !== undefined) return;
    if (reason === 'standing') this.#beginPreVote('a worse placed node asked first');
    else if (reason === 'log' && this.#isNeeded()) this.#beginPreVote('a node with an older log asked first');
  }

  onPreVoteReply(from: NodeId, message: PreVoteReply): void {
    if (!message.granted && message.term > this.#context.term) {
      this.#hooks.becomeStandby(message.term, `${from} is in term ${message.term}`);
      return;
    }
    const round = this.#preVote;
    if (round === undefined || (message.granted && message.term !== round.term)) return;
    round.answer(from, message.granted, message.reason);
    // It could lead when it asked: by now its disk may be full, or a snapshot about to replace its store.
    if (round.won && this.#hooks.canStand()) this.#stand(undefined);
    else if (round.won || round.hopeless) this.#endPreVote();
  }

  onVote(from: NodeId, message: Vote): void {
    const context = this.#context;
    const ordered =
      message.transferFrom !== undefined &&
      message.transferFrom === context.primary &&
      message.term === context.term + 1;
    if (message.term > context.term) {
      // Judged before the term is adopted: else a node that cannot win could still end a term (fault 7).
      if (!ordered && (this.monitor.sticky || this.#hooks.hasMajority())) return;
      this.#hooks.becomeStandby(message.term, `${from} stands`, this.#mayGrant(message) ? from : undefined);
    } else if (
      message.term === context.term &&
      context.hardState.votedFor === undefined &&
      this.#mayGrant(message)
    ) {
      context.setHardState({ term: context.term, votedFor: from });
    }
    const granted = message.term === context.term && context.hardState.votedFor === from;
    if (granted) this.monitor.retryLater();
    context.sendAfter(context.persists.stateTicket, from, { kind: 'voteReply', term: context.term, granted });
  }

  onVoteReply(from: NodeId, message: VoteReply): void {
    if (message.term > this.#context.term) {
      this.#hooks.becomeStandby(message.term, `${from} is in term ${message.term}`);
      return;
    }
    if (message.term !== this.#context.term || this.#vote === undefined) return;
    this.#vote.answer(from, message.granted);
    this.#countVotes();
  }

  /** The own vote counts from here on (P6). */
  onPersisted(completed: Ticket): void {
    if (this.#vote === undefined || this.#vote.ticket > completed) return;
    this.#vote.answer(this.#context.config.self, true);
    this.#countVotes();
  }

  /** A link came up: whoever could not be asked is asked now, and what was asked before it is moot. */
  onLinkUp(peer: NodeId): void {
    this.#refused.delete(peer);
    if (this.#preVote !== undefined && !this.#preVote.hasGranted(peer)) this.#askPreVote(peer, this.#preVote);
    if (this.#vote !== undefined) this.#askVote(peer, this.#vote);
  }

  /**
   * The primary orders this node to stand; obeyed only at exactly that position, and not when the order lay about
   * for an election timeout: the primary has given it up and gone on, and a late candidate only ends its office.
   */
  onStand(from: NodeId, last: Position): void {
    const { log, persists, primary, role, config } = this.#context;
    if (role !== 'standby' || from !== primary || !this.#hooks.canStand()) return;
    if ((this.monitor.silenceMs ?? 0) > config.timing.electionTimeoutMs) return;
    if (log.last.index !== last.index || log.last.term !== last.term || persists.durable !== last.index)
      return;
    this.#stand(from);
  }

  #judgePreVote(from: NodeId, message: PreVote): PreVoteReply['reason'] {
    const { term, role, exclusion, genesis, log } = this.#context;
    if (exclusion !== undefined || genesis === undefined) return 'excluded';
    if (message.term <= term) return 'term';
    if (role === 'primary' ? this.#hooks.hasMajority() : this.monitor.sticky) return 'sticky';
    if (!this.#context.isUpToDate(message.last)) return 'log';
    const newer = message.last.index !== log.last.index || message.last.term !== log.last.term;
    // Two that ask each other at once must not both give way, for ever in step.
    if (this.#preVote !== undefined && !newer && this.#precedes(from, message.rank)) return 'standing';
    if (
      role === 'standby' &&
      this.monitor.suspecting &&
      this.monitor.rank < message.rank &&
      !newer &&
      this.#hooks.canStand()
    ) {
      return 'standing';
    }
    return 'granted';
  }

  /**
   * This node came to suspect the primary: whoever it refused for that one's sake a moment ago need not ask again. Who
   * still stands has asked within two repeats.
   */
  #reconsider(): void {
    const { now, config, links } = this.#context;
    const asked = [...this.#refused];
    this.#refused.clear();
    for (const [from, { message, at }] of asked)
      if (now - at <= 2 * config.timing.preVoteRepeatMs && links.get(from)!.up) this.onPreVote(from, message);
  }

  /** It suspects, and without its vote nobody else can win: neither it nor the suspected one will grant any. */
  #isNeeded(): boolean {
    const { role, primary, now, config } = this.#context;
    const without = config.voters.length - 2;
    return (
      role === 'standby' &&
      primary !== undefined &&
      this.monitor.suspecting &&
      now >= this.#yieldUntil &&
      without < quorumSize(config.voters.length) &&
      this.#hooks.canStand()
    );
  }

  /** This node is the better successor of two whose logs are level. */
  #precedes(other: NodeId, otherRank: number): boolean {
    const { rank } = this.monitor;
    return rank < otherRank || (rank === otherRank && this.#context.config.self < other);
  }

  /** A member whose log is at least as new as this one's; that no other vote was given in the term is for the caller. */
  #mayGrant(message: Vote): boolean {
    const { exclusion, genesis } = this.#context;
    return exclusion === undefined && genesis !== undefined && this.#context.isUpToDate(message.last);
  }

  #whyStand(): string {
    const silence = this.monitor.silenceMs;
    if (this.monitor.suspecting) return 'the primary is suspected';
    return silence === undefined
      ? 'no primary is known'
      : `the primary was not heard for ${Math.round(silence)} ms`;
  }

  #beginPreVote(reason: string): void {
    if (!this.#hooks.canStand()) {
      this.monitor.retryLater();
      return;
    }
    const { now, config, term } = this.#context;
    const round = new PreVoteRound({ term: (term + 1) as Term, now, voters: config.voters.length });
    this.#preVote = round;
    this.#context.notice({ kind: 'preVote', term: round.term, reason });
    if (round.won) this.#stand(undefined);
    else this.#askAll(round, () => true);
  }

  #continuePreVote(round: PreVoteRound): void {
    const { now, config } = this.#context;
    if (now - round.startedAt > config.timing.electionTimeoutMs) this.#endPreVote();
    else if (now >= round.askAt) this.#askAll(round, (peer) => round.isSticky(peer));
  }

  #endPreVote(): void {
    this.#preVote = undefined;
    this.monitor.retryLater();
  }

  #askAll(round: PreVoteRound, whom: (peer: NodeId) => boolean): void {
    round.askAt = this.#context.now + this.#context.config.timing.preVoteRepeatMs;
    for (const peer of this.#context.others) if (whom(peer)) this.#askPreVote(peer, round);
  }

  #askPreVote(peer: NodeId, round: PreVoteRound): void {
    if (!this.#context.links.get(peer)!.up) return;
    this.#context.send(peer, {
      kind: 'preVote',
      term: round.term,
      last: this.#context.log.last,
      rank: this.monitor.rank,
    });
  }

  #stand(transferFrom: NodeId | undefined): void {
    const context = this.#context;
    assert(context.role !== 'primary', 'a primary does not stand');
    const term = (context.term + 1) as Term;
    this.#preVote = undefined;
    context.role = 'candidate';
    context.primary = undefined;
    const ticket = context.setHardState({ term, votedFor: context.config.self });
    this.#vote = new VoteRound({
      term,
      ticket,
      now: context.now,
      voters: context.config.voters.length,
      transferFrom,
    });
    const reason = transferFrom === undefined ? 'pre-vote won' : `ordered by ${transferFrom}`;
    context.notice({ kind: 'election', term, reason });
    context.notice({ kind: 'role', role: 'candidate', term, reason });
    for (const peer of context.others) this.#askVote(peer, this.#vote);
  }

  /** A message of a new term waits until that term is durable (P5). */
  #askVote(peer: NodeId, round: VoteRound): void {
    if (!this.#context.links.get(peer)!.up) return;
    const base = { kind: 'vote', term: round.term, last: this.#context.log.last } as const;
    const message = round.transferFrom === undefined ? base : { ...base, transferFrom: round.transferFrom };
    this.#context.sendAfter(round.ticket, peer, message);
  }

  #countVotes(): void {
    const round = this.#vote!;
    if (round.won) {
      this.#vote = undefined;
      this.#hooks.becomePrimary();
    } else if (round.lost) this.#loseVote('a majority refused');
  }

  #loseVote(reason: string): void {
    this.#vote = undefined;
    this.#hooks.becomeStandby(this.#context.term, reason);
    this.monitor.retryByRank();
  }
}
