/** What became of the calls of a client so far, and what was done for them. Only grows. */
export interface ClientCounters {
  /** Calls issued, and how they ended. */
  readonly calls: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Requests sent for them. */
  readonly attempts: number;
  /** Of these, repeats that the retry budget paid for; */
  readonly retries: number;
  /** and repeats to a primary of a new term, which are free. */
  readonly redeliveries: number;
  /** Repeats that had to wait because the budget was spent. */
  readonly retriesHeld: number;
  /** Times that a breaker opened. */
  readonly breakerOpenings: number;
  /** Reads answered at `eventual` though more was asked for (`degrade`). */
  readonly staleReads: number;
  /** Calls failed before their deadline because there was no primary (`whenNoPrimary`). */
  readonly failedFast: number;
  /** Values that a `fallback` gave. */
  readonly fallbacks: number;
  /** Reads asked of a second node as well, and how many of these it answered first. */
  readonly hedges: number;
  readonly hedgesWon: number;
}

export class Tally {
  calls = 0;
  succeeded = 0;
  failed = 0;
  attempts = 0;
  retries = 0;
  redeliveries = 0;
  retriesHeld = 0;
  breakerOpenings = 0;
  staleReads = 0;
  failedFast = 0;
  fallbacks = 0;
  hedges = 0;
  hedgesWon = 0;
}
