import type { Effect, Input, Role } from '@holdfast/core';
import type { LogIndex, NodeId, PeerMessage, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

type Append = Extract<PeerMessage, { kind: 'append' }>;

/** What is looked at of a core. */
export interface StandbyView {
  readonly role: Role;
  readonly term: Term;
  readonly commit: LogIndex;
  readonly log: { termAt(index: LogIndex): Term | undefined };
}

interface Compared {
  term: Term;
  /** The log is equal to that of the primary of this term up to here. */
  to: LogIndex;
  /** Before the step under way. */
  role: Role;
  commit: LogIndex;
}

const NAME = 'compared entries';

/**
 * A standby says that it holds, and takes for committed, only what it has compared with the log of the primary of this
 * term (P7): what an append of this term showed it, and what was committed already.
 */
export class ComparedEntries {
  readonly #nodes = new Map<NodeId, Compared>();

  onRecovered({ node }: Boot): void {
    this.#nodes.delete(node);
  }

  beforeStep({ node }: Boot, { role, term, commit }: StandbyView): void {
    const known = this.#nodes.get(node);
    if (known === undefined) {
      this.#nodes.set(node, { term, to: commit, role, commit });
      return;
    }
    known.role = role;
    known.commit = commit;
  }

  /** `view`: as the step has left it. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], view: StandbyView): void {
    const compared = this.#nodes.get(node)!;
    if (compared.term !== view.term) {
      compared.term = view.term;
      compared.to = compared.commit;
    }
    if (input.kind === 'message' && input.message.kind === 'append' && input.message.term === view.term)
      if (shows(input.message, view)) compared.to = furthest(compared.to, endOf(input.message));
    for (const effect of effects)
      if (effect.kind === 'persist' && effect.order.record.kind === 'base')
        compared.to = furthest(compared.to, effect.order.record.position.index);
    this.#checkCommit(node, compared, view);
    for (const effect of effects)
      if (effect.kind === 'send' && effect.message.kind === 'appendMatch')
        checkMatch(node, effect.message, compared, view);
  }

  #checkCommit(node: NodeId, { role, commit, to, term }: Compared, view: StandbyView): void {
    if (role === 'primary' || view.role === 'primary') return;
    if (view.commit > Math.max(commit, to))
      throw new SafetyViolation(
        NAME,
        `${node} takes ${view.commit} for committed in term ${term}, and has compared its log up to ${to}`,
      );
  }
}

function checkMatch(
  node: NodeId,
  { term, match }: Extract<PeerMessage, { kind: 'appendMatch' }>,
  { to }: Compared,
  view: StandbyView,
): void {
  if (term !== view.term || match <= Math.max(to, view.commit)) return;
  throw new SafetyViolation(
    NAME,
    `${node} says in term ${term} that it holds ${match}, and has compared its log up to ${to}`,
  );
}

/** All that the append says is in this log, which need not have taken it from there. */
function shows({ previous, entries }: Append, { commit, log }: StandbyView): boolean {
  return [previous, ...entries].every(({ index, term }) => index <= commit || log.termAt(index) === term);
}

function endOf({ previous, entries }: Append): LogIndex {
  return (previous.index + entries.length) as LogIndex;
}

function furthest(one: LogIndex, other: LogIndex): LogIndex {
  return one > other ? one : other;
}
