import type { Entry, Position } from '@holdfast/types';
import type { History } from './history.ts';

export interface Judgement {
  /** The cluster's log holds them after all. */
  readonly survived: Entry[];
  /** Something else stands in their place. */
  readonly lost: Entry[];
  /** The history no longer reaches back so far: nobody can tell. */
  readonly undecided: Entry[];
  /** May yet commit through another node. */
  readonly pending: Entry[];
}

/**
 * What became of entries that later frames of this log superseded. An entry may still commit through another
 * node until `applied` reaches its index, or holds a higher term: terms never go down along a log, so no log
 * with that applied entry can hold this one above it. `history` covers exactly what is applied.
 */
export function judge(pending: readonly Entry[], history: History, applied: Position): Judgement {
  const judgement: Judgement = { survived: [], lost: [], undecided: [], pending: [] };
  for (const entry of pending) {
    if (applied.index < entry.index && applied.term <= entry.term) {
      judgement.pending.push(entry);
      continue;
    }
    const term = history.termAt(entry.index);
    if (term === undefined) judgement.undecided.push(entry);
    else if (term === entry.term) judgement.survived.push(entry);
    else judgement.lost.push(entry);
  }
  return judgement;
}
