import type { Revision, WriteReceipt } from '@holdfast/types';
import type { CallOwner } from './call.ts';
import { LEAP } from './session-token.ts';

/** More than a failover can lose of small writes at usual rates; older ones are forgotten. */
const KEPT_MAX = 10_000;

/** A receipt of a write that was acknowledged `local`, and whose it is. */
export interface LocalReceipt {
  readonly owner: CallOwner | undefined;
  readonly receipt: WriteReceipt;
}

/** What was acknowledged `local` lately, so that its callers can be told which of it a failover has lost. */
export class LocalReceipts {
  #kept: LocalReceipt[] = [];

  keep(local: LocalReceipt): void {
    this.#kept.push(local);
    // Not one by one, which would move all others each time.
    if (this.#kept.length === 2 * KEPT_MAX) this.#kept.splice(0, KEPT_MAX);
  }

  /** Those of revisions above `surviving` and up to `lost`, in that order. They are told of once. */
  takeLost({ lost, surviving }: { lost: Revision; surviving: Revision }): LocalReceipt[] {
    const isLost = (local: LocalReceipt): boolean =>
      revisionOf(local) > surviving && revisionOf(local) <= lost;
    const taken = this.#kept.filter(isLost);
    this.#kept = this.#kept.filter((local) => !isLost(local));
    return taken.sort((left, right) => revisionOf(left) - revisionOf(right));
  }

  /** The newest revision of each term, oldest first. */
  newestOfTerms(): Revision[] {
    const revisions = this.#kept.map(revisionOf).sort((left, right) => left - right);
    return revisions.filter((revision, place) => (revisions[place + 1] ?? Infinity) - revision >= LEAP);
  }

  /** A later term has begun with that one, and so with all before it in its own: they are never lost any more. */
  survived(revision: Revision): void {
    this.#kept = this.#kept.filter((local) => {
      const older = revision - revisionOf(local);
      return older < 0 || older >= LEAP;
    });
  }

  /** Nobody is there any more who would hear of them. */
  forget(owner: CallOwner): void {
    this.#kept = this.#kept.filter((local) => local.owner !== owner);
  }
}

function revisionOf({ receipt }: LocalReceipt): Revision {
  return receipt.result.revision;
}
