import type { LogIndex } from '@holdfast/types';

interface Proof {
  /** Own monotonic time, ms: everything acknowledged before it, and not lost since, is at or below `commit`. */
  readonly sentAt: number;
  readonly commit: LogIndex;
}

const PROOFS_MAX = 64;

/** How old this node's applied state may be, from answers of a primary that a majority confirmed. */
export class Freshness {
  #freshAsOf: number | undefined;
  #proofs: Proof[] = [];

  offer(proof: Proof, applied: LogIndex): void {
    if (proof.commit <= applied) {
      this.#raise(proof.sentAt);
      return;
    }
    // An index that a failover took back is not waited for: what a later primary proves is as good.
    while ((this.#proofs.at(-1)?.commit ?? 0) > proof.commit) this.#proofs.pop();
    if (this.#proofs.length < PROOFS_MAX) this.#proofs.push(proof);
  }

  onApplied(applied: LogIndex): void {
    while (this.#proofs.length > 0 && this.#proofs[0]!.commit <= applied)
      this.#raise(this.#proofs.shift()!.sentAt);
  }

  /** Milliseconds; -1 before the first proof. */
  stalenessMs(now: number): number {
    return this.#freshAsOf === undefined ? -1 : Math.max(0, now - this.#freshAsOf);
  }

  #raise(sentAt: number): void {
    if (this.#freshAsOf === undefined || sentAt > this.#freshAsOf) this.#freshAsOf = sentAt;
  }
}
