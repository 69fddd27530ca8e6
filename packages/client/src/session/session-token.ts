import { REVISION_GAP, type Revision } from '@holdfast/types';

/**
 * Between two revisions so far apart a term has begun, and with it a failover may have lost the older one: an opening
 * entry leaves `REVISION_GAP` free, and what a primary has not committed is far less than half of that.
 */
export const LEAP: number = REVISION_GAP / 2;

/** Failovers between two reads at `session` that are remembered; older ones are forgotten. */
const UNPROVEN_MAX = 16;

/**
 * The newest revision this client has seen: what a `session` read must not fall behind. Grows with every answer
 * and receipt, and goes back only when the cluster says that what it names was lost.
 *
 * An answer of a newer term does not prove that what was seen in the older one survived. Until a node that holds the
 * newer has been asked about the older, session reads ask with that one, so that its loss is told (G10).
 */
export class SessionToken {
  #revision = 0 as Revision;
  /** The newest revision seen of each term before the present one, of those whose fate is not known. Oldest first. */
  readonly #unproven: Revision[] = [];
  #epoch = 0;

  get revision(): Revision {
    return this.#revision;
  }

  /** Changes when a loss was told: a request sent under an older epoch carried a token that is known to be lost. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * What a read that must not fall behind this client's reads and writes, nor behind `after`, is to ask with: the oldest
   * revision whose fate is not known, else the newest. `provenTo`: what it has asked with and was answered.
   */
  asked(after: Revision, provenTo: Revision): Revision {
    const newest = Math.max(this.#revision, after) as Revision;
    let asked = newest;
    for (const seen of [this.#unproven[0] ?? newest, this.#revision, after])
      if (seen > provenTo && seen < asked && newest - seen >= LEAP) asked = seen;
    return asked;
  }

  /** `mayBeLost`: it need not be committed. */
  raise(revision: Revision, mayBeLost = false): void {
    if (revision <= this.#revision) {
      if (mayBeLost) this.#sawOlder(revision);
      return;
    }
    if (this.#revision > 0 && revision - this.#revision >= LEAP) {
      this.#unproven.push(this.#revision);
      if (this.#unproven.length > UNPROVEN_MAX) this.#unproven.shift();
    }
    this.#revision = revision;
  }

  /**
   * What an older primary said may come when a newer one was heard already, as a receipt of a `local` write that was long
   * under way. That it survived is not proven by anything that was seen before it in its term.
   */
  #sawOlder(revision: Revision): void {
    if (revision === 0 || this.#revision - revision < LEAP) return;
    const place = this.#unproven.findIndex((seen) => seen > revision - LEAP);
    const found = place < 0 ? undefined : this.#unproven[place];
    if (found !== undefined && found - revision < LEAP)
      this.#unproven[place] = Math.max(found, revision) as Revision;
    else this.#unproven.splice(place < 0 ? this.#unproven.length : place, 0, revision);
    if (this.#unproven.length > UNPROVEN_MAX) this.#unproven.shift();
  }

  /** A node that holds a newer term's revisions was asked with this one and did not say that it is lost. */
  survived(asked: Revision): void {
    while (this.#unproven[0] !== undefined && this.#unproven[0] <= asked) this.#unproven.shift();
  }

  /** The newest revision seen that is lost if `asked` is, and `surviving` is the newest at or below that one which is not. */
  newestLost(asked: Revision, surviving: Revision): Revision | undefined {
    const isLost = (seen: Revision): boolean => isLostWith(seen, asked, surviving);
    return isLost(this.#revision) ? this.#revision : this.#unproven.findLast(isLost);
  }

  /**
   * The revision `asked` in `epoch` did not survive; `surviving` is the newest at or below it that did. Answers the
   * newest one that this client has lost with it; undefined if there is none, or the request was sent before an earlier
   * such news.
   */
  diverged(epoch: number, asked: Revision, surviving: Revision): Revision | undefined {
    if (epoch !== this.#epoch) return undefined;
    const lost = this.newestLost(asked, surviving);
    if (lost === undefined) return undefined;
    this.#epoch += 1;
    const left = this.#unproven.filter((seen) => !isLostWith(seen, asked, surviving));
    this.#unproven.splice(0, this.#unproven.length, ...left);
    if (lost === this.#revision) this.#revision = surviving;
    return lost;
  }
}

/** What was seen later in the same term is lost as well. */
function isLostWith(seen: Revision, asked: Revision, surviving: Revision): boolean {
  return seen > surviving && seen - asked < LEAP;
}
