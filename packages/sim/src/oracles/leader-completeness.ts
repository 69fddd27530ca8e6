import type { Effect } from '@holdfast/core';
import type { LogIndex, Position, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import type { CommitView } from './durable-promises.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What a core has in its log. */
interface CompleteLog {
  /** First entry that it can be asked for: what is below is committed and in the store. */
  readonly first: LogIndex;
  readonly last: Position;
  termAt(index: LogIndex): Term | undefined;
}

const NAME = 'leader completeness';

/** Who becomes primary has every entry that was committed in an earlier term (Raft §5.4): nobody has to give it back. */
export class LeaderCompleteness {
  /** By the term in which a primary committed it: the newest position. Those before it follow by log matching. */
  readonly #committed = new Map<Term, Position>();

  /** After each step. */
  onCommit({ role, term, commit }: CommitView, log: Pick<CompleteLog, 'termAt'>): void {
    if (role !== 'primary' || commit <= (this.#committed.get(term)?.index ?? 0)) return;
    const entryTerm = log.termAt(commit);
    if (entryTerm !== undefined) this.#committed.set(term, { index: commit, term: entryTerm });
  }

  /** `log`: as the step has left it. */
  onEffect({ node }: Boot, effect: Effect, log: CompleteLog): void {
    if (effect.kind !== 'notice' || effect.notice.kind !== 'role' || effect.notice.role !== 'primary') return;
    const { term } = effect.notice;
    for (const [committedIn, { index, term: entryTerm }] of this.#committed) {
      if (committedIn >= term || index < log.first) continue;
      const found = index > log.last.index ? undefined : log.termAt(index);
      if (found === entryTerm) continue;
      throw new SafetyViolation(
        NAME,
        `${node} becomes primary of term ${term} without ${index}@${entryTerm}, committed in term ${committedIn}: ` +
          `it has ${found === undefined ? 'nothing' : `an entry of term ${found}`} there`,
      );
    }
  }
}
