import type { Effect } from '@holdfast/core';
import { LIMITS, type SessionId, type Term } from '@holdfast/types';
import { historyKey, sessionKey } from './keys.ts';
import type { LevelOperation } from './level-like.ts';
import { putSession, putTermStart } from './system-records.ts';

export type ApplyBatch = Extract<Effect, { kind: 'apply' }>;

/**
 * Which sessions and terms have records: names alone, so that one snapshot can find them without an
 * iteration. Until a batch is settled this holds what was there before it as well as what it adds, for
 * a snapshot taken meanwhile may see either.
 */
export class SystemIndex {
  readonly #sessions: Set<SessionId>;
  /** Growing. */
  readonly #terms: Term[];

  constructor(sessions: Iterable<SessionId>, terms: Iterable<Term>) {
    this.#sessions = new Set(sessions);
    this.#terms = [...terms].sort((left, right) => left - right);
  }

  get sessions(): readonly SessionId[] {
    return [...this.#sessions];
  }

  get terms(): readonly Term[] {
    return [...this.#terms];
  }

  /** What `batch` writes of sessions and history. */
  begin(batch: ApplyBatch): LevelOperation[] {
    const operations: LevelOperation[] = [];
    for (const session of batch.sessions) {
      this.#sessions.add(session.id);
      operations.push(putSession(session));
    }
    for (const id of batch.closedSessions) operations.push({ type: 'del', key: sessionKey(id) });
    for (const start of batch.history) {
      this.#addTerm(start.term);
      operations.push(putTermStart(start));
    }
    for (const term of this.#surplusTerms()) operations.push({ type: 'del', key: historyKey(term) });
    return operations;
  }

  /** `batch` is in the store. */
  settle(batch: ApplyBatch): void {
    for (const id of batch.closedSessions) this.#sessions.delete(id);
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
