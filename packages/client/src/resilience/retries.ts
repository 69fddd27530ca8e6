import type { RetryBudget } from './retry-budget.ts';
import type { Tally } from './tally.ts';

/** What a repeat needs to know of its call. */
export interface Repeatable {
  attempts: number;
  /** Of the cluster, as this client knew it, when the call was sent last. */
  term: number;
  /** The last attempt took a token of the budget. */
  isCharged: boolean;
  /** It waits for a token. */
  isHeld: boolean;
}

/**
 * Says which calls may be sent now. First attempts always; a repeat once per term for nothing, since a new primary must
 * get all that the old one owes; every other repeat if the budget pays for it.
 */
export class Retries {
  readonly #budget: RetryBudget;
  readonly #tally: Tally;

  constructor(budget: RetryBudget, tally: Tally) {
    this.#budget = budget;
    this.#tally = tally;
  }

  /** Whether `admit` would say yes; a repeat for which there is no token waits from now on. */
  allows(call: Repeatable, term: number): boolean {
    if (call.attempts === 0 || call.term < term || this.#budget.tokens >= 1) return true;
    if (!call.isHeld) this.#tally.retriesHeld += 1;
    call.isHeld = true;
    return false;
  }

  /** False: not now. True: the call is sent at once. */
  admit(call: Repeatable, term: number): boolean {
    if (!this.allows(call, term)) return false;
    if (call.attempts === 0) {
      call.term = term;
    } else if (call.term < term) {
      call.term = term;
      call.isCharged = false;
      this.#tally.redeliveries += 1;
    } else {
      this.#budget.take();
      call.isCharged = true;
      this.#tally.retries += 1;
    }
    call.isHeld = false;
    this.#tally.attempts += 1;
    call.attempts += 1;
    return true;
  }
}
