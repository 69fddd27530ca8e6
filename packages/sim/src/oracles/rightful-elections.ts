import type { Effect, HardState, Input } from '@holdfast/core';
import type { NodeId, Position, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What is looked at of a voter. */
export interface VoterView {
  readonly hardState: HardState;
  readonly log: { readonly last: Position };
}

const NAME = 'rightful elections';

/**
 * A node gives one vote a term, in all its lives, and raises a term only once a majority has said that it would vote
 * for it, or on the order of the primary before it: whoever was cut off disturbs nobody. Whoever takes office has the
 * votes of a majority, of nodes whose logs were no newer than its own (Raft §5.4.1).
 */
export class RightfulElections {
  readonly #majority: number;
  /** By voter and term: for whom. */
  readonly #votes = new Map<string, NodeId>();
  /** By candidate and term: who would vote for it. */
  readonly #promised = new Map<string, Set<NodeId>>();
  /** By candidate and term: it was ordered to stand. */
  readonly #ordered = new Set<string>();

  constructor(voters: number) {
    this.#majority = Math.floor(voters / 2) + 1;
  }

  /** `view`: as the step has left it. A vote that was given before may be said again, over a log that has grown. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], { hardState, log }: VoterView): void {
    if (input.kind !== 'message') return;
    const { from, message } = input;
    if (message.kind !== 'vote' && message.kind !== 'preVote') return;
    const isGiven =
      message.kind === 'vote'
        ? hardState.term === message.term && hardState.votedFor === from && isNew(effects)
        : effects.some(
            (effect) =>
              effect.kind === 'send' && effect.message.kind === 'preVoteReply' && effect.message.granted,
          );
    const { last } = message;
    const isOlder = last.term < log.last.term || (last.term === log.last.term && last.index < log.last.index);
    if (isGiven && isOlder)
      throw new SafetyViolation(
        NAME,
        `${node} is for ${from} in term ${message.term}, whose log ends at ${nameOfPlace(last)}, and its own at ${nameOfPlace(log.last)}`,
      );
  }

  onEffect({ node }: Boot, effect: Effect): void {
    if (effect.kind === 'notice') {
      const { notice } = effect;
      if (notice.kind === 'election') this.#stands(node, notice.term);
      if (notice.kind === 'role' && notice.role === 'primary') this.#takesOffice(node, notice.term);
      return;
    }
    if (effect.kind !== 'send') return;
    const { to, message } = effect;
    if (message.kind === 'voteReply' && message.granted) this.#votesFor(to, message.term, node);
    else if (message.kind === 'preVoteReply' && message.granted) this.#wouldVote(to, message.term, node);
    // A candidate has voted for itself once it asks others: before that its vote may be lost with its disk.
    else if (message.kind === 'vote') this.#votesFor(node, message.term, node);
    else if (message.kind === 'stand') this.#ordered.add(nameOf(to, message.term + 1));
  }

  #stands(node: NodeId, term: Term): void {
    const name = nameOf(node, term);
    const promised = (this.#promised.get(name)?.size ?? 0) + 1;
    if (promised >= this.#majority || this.#ordered.has(name)) return;
    throw new SafetyViolation(
      NAME,
      `${node} stands in term ${term}, for which ${promised} of ${this.#majority} would vote`,
    );
  }

  /** Its own vote is durable by then, and so are those that it has. */
  #takesOffice(node: NodeId, term: Term): void {
    const others = [...this.#votes].filter(
      ([name, candidate]) => candidate === node && name.endsWith(` ${term}`) && name !== nameOf(node, term),
    );
    if (others.length + 1 >= this.#majority) return;
    throw new SafetyViolation(
      NAME,
      `${node} takes office in term ${term} with ${others.length + 1} votes of ${this.#majority}`,
    );
  }

  #votesFor(candidate: NodeId, term: Term, voter: NodeId): void {
    const name = nameOf(voter, term);
    const before = this.#votes.get(name);
    if (before !== undefined && before !== candidate)
      throw new SafetyViolation(NAME, `${voter} votes for ${before} and for ${candidate} in term ${term}`);
    this.#votes.set(name, candidate);
  }

  #wouldVote(candidate: NodeId, term: Term, voter: NodeId): void {
    const name = nameOf(candidate, term);
    const promised = this.#promised.get(name);
    if (promised === undefined) this.#promised.set(name, new Set([voter]));
    else promised.add(voter);
  }
}

function nameOf(node: NodeId, term: number): string {
  return `${node} ${term}`;
}

/** A vote that is given in a step is logged in it. */
function isNew(effects: readonly Effect[]): boolean {
  return effects.some(({ kind }) => kind === 'persist');
}

function nameOfPlace({ index, term }: Position): string {
  return `${index}@${term}`;
}
