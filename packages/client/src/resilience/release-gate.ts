import type { ReleaseLimits } from './resilience-limits.ts';

/** Everything passes; nobody is there to be asked; those who waited are let go at random, and then slowly. */
type Phase = 'open' | 'outage' | 'jitter' | 'drain';

/**
 * Lets calls that waited through an outage go without a second one: a server that comes back meets at once everybody
 * who waited for it. The first go at random moments of a tenth of the outage, with full jitter as AWS calls it; the rest
 * no faster than a share of the calls that come anyway. New calls are held back by those that waited only while all of
 * these go within the jitter, as after any short outage: that keeps them in order.
 */
export class ReleaseGate {
  readonly #limits: ReleaseLimits;
  /** In [0, 1). */
  readonly #random: () => number;
  #phase: Phase = 'open';
  #since = 0;
  /** Nobody could be asked before, either. */
  #isStart = false;
  #arrivalsBefore = 0;
  #perMsBefore = 0;
  #jitterEnd = 0;
  /** Calls still to go within the jitter. */
  #left = 0;
  #keepsOrder = false;
  #perMs = 0;
  #nextAt = 0;
  /** Places that new calls gave up to those that waited. */
  #places = 0;

  constructor(limits: ReleaseLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** New calls go before some that waited. */
  get isOvertaken(): boolean {
    return this.#phase === 'drain' || (this.#phase === 'jitter' && !this.#keepsOrder);
  }

  /** Most of those who waited are beyond what can be let go: the ones with hardly any time left should not take a place. */
  get isDraining(): boolean {
    return this.#phase === 'drain';
  }

  /** Nobody can be asked, since then. `arrivals`: calls so far; `perMs`: how many came before. */
  lost(state: { readonly since: number; readonly arrivals: number; readonly perMs: number }): void {
    if (this.#phase === 'outage') return;
    // While some still wait it is the same outage to them, however short this part of it may be.
    const isTheSame = this.#phase !== 'open';
    this.#phase = 'outage';
    this.#places = 0;
    if (isTheSame) return;
    this.#since = state.since;
    this.#isStart = false;
    this.#arrivalsBefore = state.arrivals;
    this.#perMsBefore = state.perMs;
  }

  /**
   * Nobody could ever be asked, and calls wait since then. All of them go within the jitter: a program that starts before
   * its cluster does has few, and no rate of calls yet that the others could be held to.
   */
  neverFound(since: number): void {
    if (this.#phase === 'outage') return;
    this.#phase = 'outage';
    this.#since = since;
    this.#isStart = true;
  }

  /** Somebody can be asked again. `waiting`: calls that wait for that; `arrivals`: calls so far. */
  found(state: { readonly now: number; readonly arrivals: number; readonly waiting: number }): void {
    if (this.#phase !== 'outage') return;
    const { now, arrivals, waiting } = state;
    const { jitterShare, jitterMsMax, shortOutageMsMax, backlogShare, perSecondMin } = this.#limits;
    const outageMs = Math.max(0, now - this.#since);
    const jitterMs = Math.min(outageMs * jitterShare, jitterMsMax);
    if (waiting === 0 || jitterMs < 0.5) {
      this.#phase = 'open';
      return;
    }
    const perMs = Math.max(this.#perMsBefore, (arrivals - this.#arrivalsBefore) / outageMs);
    this.#phase = 'jitter';
    this.#jitterEnd = now + jitterMs;
    this.#perMs = Math.max(backlogShare * perMs, perSecondMin / 1000);
    // One at least of each client would be many of all that call seldom; but who waits alone is not kept waiting.
    const alone = waiting === 1 ? 1 : 0;
    const share = Math.max(alone, Math.floor(backlogShare * perMs * jitterMs + this.#random()));
    this.#left = this.#isStart || outageMs <= shortOutageMsMax ? waiting : Math.min(waiting, share);
    this.#keepsOrder = this.#left === waiting;
    this.#nextAt = this.#left > 0 ? this.#drawInJitter(now) : Number.POSITIVE_INFINITY;
  }

  /** Whether a call may go now. `isLate`: it waited through the outage. */
  admits(isLate: boolean, now: number): boolean {
    this.#advance(now);
    if (this.#phase === 'open' || this.#phase === 'outage') return true;
    return isLate ? this.#places > 0 || now >= this.#nextAt : this.isOvertaken;
  }

  /**
   * A new call has to go behind those that waited. It adds to them, and they could not become fewer if they went at their
   * share of the calls alone: so its own place is theirs.
   */
  joined(): void {
    if (this.isOvertaken) this.#places += 1;
  }

  /** It goes. */
  went(isLate: boolean, now: number): void {
    if (!isLate) return;
    if (this.#places > 0) {
      this.#places -= 1;
    } else if (this.#phase === 'jitter') {
      this.#left -= 1;
      this.#nextAt = this.#left > 0 ? this.#drawInJitter(this.#nextAt) : Number.POSITIVE_INFINITY;
    } else if (this.#phase === 'drain') {
      // Who could not go when it was due does not make the next ones go in a bunch.
      this.#nextAt = Math.max(this.#nextAt, now - 1 / this.#perMs) + this.#drawInDrain();
    }
  }

  /** Nobody who waited is left. */
  done(): void {
    if (this.#phase !== 'outage') this.#phase = 'open';
    this.#places = 0;
  }

  /** When something may go that may not now; undefined if nothing is held back. */
  dueAt(now: number): number | undefined {
    this.#advance(now);
    if (this.#phase === 'open' || this.#phase === 'outage') return undefined;
    if (this.#places > 0) return now;
    return this.#phase === 'jitter' ? Math.min(this.#nextAt, this.#jitterEnd) : this.#nextAt;
  }

  #advance(now: number): void {
    if (this.#phase !== 'jitter' || now < this.#jitterEnd) return;
    if (this.#keepsOrder) {
      this.#phase = 'open';
      return;
    }
    this.#phase = 'drain';
    this.#nextAt = this.#jitterEnd + this.#drawInDrain();
  }

  /** The next of `left` moments drawn from what is left of the jitter, in their order. */
  #drawInJitter(from: number): number {
    return from + (this.#jitterEnd - from) * (1 - this.#random() ** (1 / this.#left));
  }

  /** As far apart as independent arrivals are: clients that lost the same primary must not go on in step. */
  #drawInDrain(): number {
    return -Math.log(1 - this.#random()) / this.#perMs;
  }
}
