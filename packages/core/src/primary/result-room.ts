import { type LogIndex, resultBytes, type SessionId, type WriteResult } from '@holdfast/types';
import type { Applier } from '../apply/applier.ts';
import { Fifo } from '../kernel/fifo.ts';

interface Logged {
  readonly index: LogIndex;
  readonly session: SessionId;
  readonly bytes: number;
}

/**
 * How much a session's kept results may still grow. What a transaction's gets met, and where a clear goes on, is kept by
 * every node until the client's floor passes it: in the session table once it is applied, in the log before.
 */
export class ResultRoom {
  readonly #applier: Applier;
  readonly #bytesMax: number;
  /** Results in entries not yet applied. */
  readonly #logged = new Fifo<Logged>();
  readonly #loggedBytes = new Map<SessionId, number>();

  constructor(applier: Applier, bytesMax: number) {
    this.#applier = applier;
    this.#bytesMax = bytesMax;
  }

  /**
   * False, and nothing is taken, if there is no room. A session that keeps nothing has room for any result. What its
   * request's own floor gives up does not count: else nothing could ever be logged that raises the floor.
   */
  take(
    request: { readonly session: SessionId; readonly floor: number },
    index: LogIndex,
    result: WriteResult,
  ): boolean {
    const { session, floor } = request;
    const bytes = resultBytes(result);
    if (bytes === 0) return true;
    const logged = this.#loggedBytes.get(session) ?? 0;
    const kept = logged + this.#applier.sessions.resultBytes(session, floor);
    if (kept > 0 && kept + bytes > this.#bytesMax) return false;
    this.#logged.push({ index, session, bytes });
    this.#loggedBytes.set(session, logged + bytes);
    return true;
  }

  onApplied(applied: LogIndex): void {
    while (this.#logged.length > 0 && this.#logged.peek()!.index <= applied) {
      const { session, bytes } = this.#logged.shift()!;
      const left = this.#loggedBytes.get(session)! - bytes;
      if (left > 0) this.#loggedBytes.set(session, left);
      else this.#loggedBytes.delete(session);
    }
  }
}
