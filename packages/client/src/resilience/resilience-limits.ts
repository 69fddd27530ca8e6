/** How failed attempts are repeated. */
export interface RetryLimits {
  /** Longest pause before the first repeat, milliseconds: doubled with every further refusal, drawn from 0 on. */
  readonly backoffMsMin: number;
  /** The longest pause is never longer than this, milliseconds. */
  readonly backoffMsMax: number;
  /** Tokens a full budget holds: a repeat takes one and brings it back if it succeeds. Below 1: no repeats but to a new primary. */
  readonly budgetMax: number;
  /** Tokens added for each call that succeeds. */
  readonly budgetPerSuccess: number;
  /** Tokens added each second, so that a client without any success still asks now and then. */
  readonly budgetPerSecond: number;
}

/** When a node is left out. */
export interface BreakerLimits {
  /** Answers of so long are judged together, milliseconds. */
  readonly windowMs: number;
  /** Fewer answers in a window prove nothing. */
  readonly callsMin: number;
  /** Opens at this share of failures in a window. */
  readonly failureShare: number;
  /** An answer that took longer is slow, milliseconds. */
  readonly slowMs: number;
  /** Opens at this share of slow answers in a window. */
  readonly slowShare: number;
  /** Until a probe is let through, milliseconds: doubled up to the second while probes fail, half of it random. */
  readonly openMsMin: number;
  readonly openMsMax: number;
}

/** How calls that waited for a primary, or for any node, are let go when there is one. */
export interface ReleaseLimits {
  /** Share of the outage over which the first are spread at random. */
  readonly jitterShare: number;
  readonly jitterMsMax: number;
  /** After an outage as short as this everything that waited goes within the jitter, in order, milliseconds. */
  readonly shortOutageMsMax: number;
  /** After a longer one the calls that waited may add this share to the calls that come anyway. */
  readonly backlogShare: number;
  /** But at least so many a second. */
  readonly perSecondMin: number;
  /** Who waited and has less time left than this is not sent any more, milliseconds. */
  readonly marginMs: number;
}

/** When calls that would rather have less than wait are told that there is no primary. */
export interface DegradationLimits {
  /** There has been no primary in reach for so long, milliseconds. */
  readonly afterMs: number;
  /** Share of `afterMs` over which reads that waited for one are spread at random when they turn to standbys. */
  readonly jitterShare: number;
  /** Share of its own time, up to so many milliseconds, that an unanswered read keeps for asking a standby. */
  readonly reserveShare: number;
  readonly reserveMsMax: number;
}

/** When a read that is not answered yet is asked of a second node as well. It is not, unless one of the first two is given. */
export interface HedgeLimits {
  /** Not sooner than after so long, milliseconds. */
  readonly afterMs: number;
  /** Nor before so many of a hundred reads would have been answered; below 100. */
  readonly percentile: number;
  /** Of all reads at most this share. */
  readonly shareMax: number;
  /** So many at once, after a time in which none was needed. */
  readonly burstMax: number;
}

export interface ResilienceLimits {
  readonly retry: RetryLimits;
  readonly breaker: BreakerLimits;
  readonly release: ReleaseLimits;
  readonly degradation: DegradationLimits;
  readonly hedge: HedgeLimits;
}

/** Where the numbers come from is told in docs/resilience.md. */
export const RESILIENCE_LIMITS: ResilienceLimits = {
  retry: { backoffMsMin: 5, backoffMsMax: 200, budgetMax: 50, budgetPerSuccess: 0.1, budgetPerSecond: 5 },
  breaker: {
    windowMs: 1000,
    callsMin: 20,
    failureShare: 0.5,
    slowMs: 1000,
    slowShare: 0.5,
    openMsMin: 500,
    openMsMax: 1000,
  },
  release: {
    jitterShare: 0.1,
    jitterMsMax: 500,
    shortOutageMsMax: 1000,
    backlogShare: 0.2,
    perSecondMin: 0.5,
    marginMs: 100,
  },
  degradation: { afterMs: 1000, jitterShare: 0.1, reserveShare: 0.25, reserveMsMax: 500 },
  hedge: { afterMs: 0, percentile: 0, shareMax: 0.05, burstMax: 10 },
};
