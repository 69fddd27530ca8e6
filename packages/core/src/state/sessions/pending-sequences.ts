import { type SessionId, TransientMap } from '@holdfast/types';

/** Sequences that the primary has evaluated and queued or logged, and not yet applied: a repeat joins what waits here. */
export class PendingSequences<W> {
  readonly #bySession: Map<SessionId, TransientMap<number, W>> = new Map();

  get(session: SessionId, sequence: number): W | undefined {
    return this.#bySession.get(session)?.get(sequence);
  }

  set(session: SessionId, sequence: number, waiting: W): void {
    let sequences = this.#bySession.get(session);
    if (sequences === undefined) {
      sequences = new TransientMap();
      this.#bySession.set(session, sequences);
    }
    sequences.set(sequence, waiting);
  }

  delete(session: SessionId, sequence: number): void {
    const sequences = this.#bySession.get(session);
    if (sequences === undefined) return;
    sequences.delete(sequence);
    if (sequences.size === 0) this.#bySession.delete(session);
  }

  /** A session with any of these must not be expired. */
  countOf(session: SessionId): number {
    return this.#bySession.get(session)?.size ?? 0;
  }

  clear(): void {
    this.#bySession.clear();
  }
}
