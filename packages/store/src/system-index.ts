import type { Effect } from '@holdfast/core';
import { LIMITS, type LogIndex, type Term } from '@holdfast/types';
import { historyKey, sessionKey } from './keys.ts';
import type { LevelOperation } from './level-like.ts';
import { putSession, putTermStart } from './system-records.ts';

export type ApplyBatch = Extract<Effect, { kind: 'apply' }>;

/**
 * What batches write of sessions and history, and which terms have records, of which only so many are kept. What a batch
 * makes superfluous counts until that is settled: if it fails and is written again, it is to go with it then.
 */
export class SystemIndex {
  /** Growing. */
  readonly #terms: Term[];

  constructor(terms: Iterable<Term>) {
    this.#terms = [...terms].sort((left, right) => left - right);
  }

  /**
   * What `batch` writes of sessions and history. It brings all of the history each time: that of up to `checkpointed` is on
   * stable storage, of the rest any batch may be lost while a later one is not.
   */
  begin(batch: ApplyBatch, checkpointed: LogIndex): LevelOperation[] {
    const operations: LevelOperation[] = [];
    for (const session of batch.sessions) operations.push(putSession(session));
    for (const id of batch.closedSessions) operations.push({ type: 'del', key: sessionKey(id) });
    for (const start of batch.history) {
      if (start.firstIndex <= checkpointed) continue;
      this.#addTerm(start.term);
      operations.push(putTermStart(start));
    }
    for (const term of this.#surplusTerms()) operations.push({ type: 'del', key: historyKey(term) });
    return operations;
  }

  /** The batch that was begun last is in the store. */
  settle(): void {
    this.#terms.splice(0, this.#surplusTerms().length);
  }

  #addTerm(term: Term): void {
    const before = this.#terms.findLastIndex((other) => other <= term);
    if (this.#terms[before] !== term) this.#terms.splice(before + 1, 0, term);
  }

  #surplusTerms(): Term[] {
    return this.#terms.slice(0, Math.max(0, this.#terms.length - LIMITS.historyTermsMax));
  }
}
