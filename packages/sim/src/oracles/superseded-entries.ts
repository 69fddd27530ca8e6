import type { Effect, Input } from '@holdfast/core';
import type { LogIndex, NodeId, Position, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What is looked at of a core. */
export interface SupersedingCore {
  readonly context: {
    readonly commit: LogIndex;
    readonly log: { readonly last: Position };
  };
  /** Damage left a hole in the log where it says another index. */
  readonly repair: { behind(index: LogIndex): LogIndex };
  readonly applier: { readonly supersededPending: number };
}

interface Before {
  readonly commit: LogIndex;
  readonly last: LogIndex;
  /** Of the log above the commit index nothing is missing. */
  readonly isWhole: boolean;
  readonly pending: number;
}

/** What all nodes together have applied. */
export interface AppliedTerms {
  /** Undefined: nobody has applied anything there. */
  termAt(index: LogIndex): Term | undefined;
  readonly newestTerm: number;
}

const NAME = 'superseded entries';

/**
 * Whatever a log lets go of above its commit index is judged (G3): it waits for that, is listed as lost, or is known to
 * have won. Listed is only what can no longer win.
 */
export class SupersededEntries {
  readonly #applied: AppliedTerms;
  readonly #before = new Map<NodeId, Before>();

  constructor(applied: AppliedTerms) {
    this.#applied = applied;
  }

  beforeStep({ node }: Boot, { context, repair, applier }: SupersedingCore, input: Input): void {
    if (!mayCut(input)) return;
    const { commit, log } = context;
    const last = log.last.index;
    let isWhole = true;
    for (let index = commit + 1; index <= last && isWhole; index += 1)
      isWhole = repair.behind(index as LogIndex) === index;
    this.#before.set(node, { commit, last, isWhole, pending: applier.supersededPending });
  }

  onStep({ node }: Boot, input: Input, effects: readonly Effect[], core: SupersedingCore): void {
    let verdicts = 0;
    let cutFrom: LogIndex | undefined;
    const before = mayCut(input) ? this.#before.get(node) : undefined;
    for (const effect of effects) {
      if (effect.kind === 'fileDiverged' && !effect.undecided) this.#checkLost(node, effect.entries);
      if (effect.kind === 'judged') this.#checkWon(node, effect.entries);
      if (effect.kind === 'fileDiverged' || effect.kind === 'judged') verdicts += effect.entries.length;
      if (effect.kind === 'notice' && effect.notice.kind === 'truncated') cutFrom = effect.notice.from;
      if (effect.kind === 'persist' && before !== undefined && effect.order.record.kind === 'base')
        if (!effect.order.record.keepTail) cutFrom = (before.commit + 1) as LogIndex;
    }
    if (cutFrom === undefined || before?.isWhole !== true) return;
    // What could not be read back is listed at the next start.
    if (input.kind === 'loaded' && input.entries.length === 0) return;
    const cut = Math.max(0, before.last - cutFrom + 1);
    const kept = core.applier.supersededPending + verdicts - before.pending;
    if (kept < cut)
      throw new SafetyViolation(
        NAME,
        `${node} lets go of ${cut} entries from ${cutFrom} on, and judges ${kept}`,
      );
  }

  #checkLost(node: NodeId, entries: readonly Position[]): void {
    for (const { index, term } of entries) {
      const won = this.#applied.termAt(index);
      // Terms never go down along a log: behind an entry of a higher one nothing of this one can follow.
      if (won === undefined ? this.#applied.newestTerm > term : won !== term) continue;
      throw new SafetyViolation(
        NAME,
        `${node} lists ${index}@${term} as lost, which ${won === undefined ? 'may yet win' : 'has won'}`,
      );
    }
  }

  #checkWon(node: NodeId, entries: readonly Position[]): void {
    for (const { index, term } of entries) {
      const won = this.#applied.termAt(index);
      if (won !== term)
        throw new SafetyViolation(
          NAME,
          `${node} takes ${index}@${term} for a winner, where ${won === undefined ? 'nothing' : `term ${won}`} was applied`,
        );
    }
  }
}

/** Appends truncate; a snapshot is taken in once what it replaces has been read. */
function mayCut(input: Input): boolean {
  return input.kind === 'message'
    ? input.message.kind === 'append'
    : input.kind === 'snapshotReceived' || input.kind === 'loaded';
}
