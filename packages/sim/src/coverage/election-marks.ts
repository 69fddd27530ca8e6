import type { Core, Effect, Input } from '@holdfast/core';
import type { NodeId, PeerMessage, Term } from '@holdfast/types';
import type { Meet, StepMarks } from './step-marks.ts';

type Vote = Extract<PeerMessage, { kind: 'vote' | 'preVote' }>;

/** What all nodes of a cluster have come to, as far as elections go. */
export interface KnownTerms {
  /** Newest term that had a primary. */
  newestOffice: Term;
}

/** Pre-votes, votes, and how offices begin and end. */
export class ElectionMarks implements StepMarks {
  readonly #meet: Meet;
  readonly #terms: KnownTerms;
  #role = '';
  #term = 0 as Term;
  #votedFor: NodeId | undefined;
  #steppedAt = 0;
  #inOffice = false;
  /** By what the core was told last. */
  #isDiskFull = false;

  constructor(meet: Meet, terms: KnownTerms) {
    this.#meet = meet;
    this.#terms = terms;
  }

  before(core: Core, input: Input): void {
    const { context, office } = core;
    this.#role = context.role;
    this.#term = context.term;
    this.#votedFor = context.hardState.votedFor;
    this.#steppedAt = context.now;
    this.#inOffice = office !== undefined;
    if (input.kind === 'order' && input.order.kind === 'diskFull') this.#isDiskFull = input.order.full;
    if (office !== undefined && office.term < this.#terms.newestOffice) this.#meet('twoPrimariesAtOnce');
    if (input.kind === 'message' && (input.message.kind === 'vote' || input.message.kind === 'preVote'))
      this.#isAsked(core, input.from, input.message);
  }

  after(core: Core, input: Input, effects: readonly Effect[]): void {
    const { role, term } = core.context;
    if (core.office !== undefined && core.office.term > this.#terms.newestOffice)
      this.#terms.newestOffice = core.office.term;
    if (this.#inOffice && core.office === undefined) this.#officeEnded(core, effects);
    if (this.#role === 'candidate' && role === 'standby' && term === this.#term) this.#meet('electionLost');
    if (input.kind === 'message') {
      const { message } = input;
      if (message.kind === 'vote' && message.term > this.#term && term === this.#term)
        this.#meet('voteIgnoredSticky');
    }
    for (const effect of effects) this.#effect(effect);
  }

  #isAsked({ context }: Core, from: NodeId, message: Vote): void {
    const { last } = context.log;
    if (message.last.term < last.term && message.last.index > last.index) this.#meet('longerOlderLogRefused');
    const votedForOther = this.#votedFor !== undefined && this.#votedFor !== from;
    if (message.kind === 'vote' && message.term === this.#term && votedForOther)
      this.#meet('secondVoteRefused');
  }

  #effect(effect: Effect): void {
    if (effect.kind === 'notice') {
      const { notice } = effect;
      if (notice.kind === 'suspicion') this.#meet('primarySuspected');
      if (notice.kind === 'switchover' && notice.state === 'ordered') this.#meet('switchoverOrdered');
      if (notice.kind === 'switchover' && notice.state === 'givenUp') this.#meet('switchoverGivenUp');
    } else if (effect.kind === 'send') {
      const { message } = effect;
      if (message.kind === 'voteReply' && !message.granted) this.#meet('voteRefused');
      if (message.kind !== 'preVoteReply') return;
      if (message.reason === 'sticky') this.#meet('preVoteRefusedSticky');
      if (message.reason === 'log') this.#meet('preVoteRefusedLog');
    }
  }

  #officeEnded(core: Core, effects: readonly Effect[]): void {
    const { now, config, exclusion } = core.context;
    if (exclusion !== undefined) return;
    if (effects.some((effect) => effect.kind === 'notice' && effect.notice.kind === 'persistStall'))
      this.#meet('officeEndedByDisk');
    else if (this.#isDiskFull) this.#meet('officeEndedFull');
    else if (now - this.#steppedAt > config.timing.electionTimeoutMs) this.#meet('officeEndedFrozen');
    else if (core.context.term > this.#term) this.#meet('officeEndedByTerm');
    else this.#meet('officeEndedAlone');
  }
}
