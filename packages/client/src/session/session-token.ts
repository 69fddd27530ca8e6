import type { Revision } from '@holdfast/types';

/**
 * The newest revision this client has seen: what a `session` read must not fall behind. Grows with every answer
 * and receipt, and goes back only when the cluster says that what it names was lost.
 */
export class SessionToken {
  #revision = 0 as Revision;
  #epoch = 0;

  get revision(): Revision {
    return this.#revision;
  }

  /** Changes when the token went back: a request sent under an older epoch carried a token that is known to be lost. */
  get epoch(): number {
    return this.#epoch;
  }

  raise(revision: Revision): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  /**
   * The revision carried by a request sent in `epoch` did not survive; `surviving` is the newest at or below it
   * that did. False if the request was sent before an earlier such news: nothing new was lost.
   */
  diverged(epoch: number, surviving: Revision): boolean {
    if (epoch !== this.#epoch) return false;
    this.#epoch += 1;
    if (surviving < this.#revision) this.#revision = surviving;
    return true;
  }
}
