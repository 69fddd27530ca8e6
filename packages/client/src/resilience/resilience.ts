import { ArrivalRate } from './arrival-rate.ts';
import { Breakers } from './breakers.ts';
import { ReleaseGate } from './release-gate.ts';
import type { ResilienceLimits } from './resilience-limits.ts';
import { Retries } from './retries.ts';
import { RetryBudget } from './retry-budget.ts';
import { Tally } from './tally.ts';

/** What all calls of one client share to get through failures without making them worse. No clock, no timers. */
export class Resilience {
  readonly limits: ResilienceLimits;
  readonly tally: Tally = new Tally();
  readonly budget: RetryBudget;
  readonly retries: Retries;
  readonly breakers: Breakers;
  /** For calls that only a primary can answer; and for those that any node can. */
  readonly primaryGate: ReleaseGate;
  readonly anyGate: ReleaseGate;
  readonly #arrivals: ArrivalRate;

  /** `random`: in [0, 1). */
  constructor(options: { limits: ResilienceLimits; random: () => number; now: number }) {
    const { limits, random, now } = options;
    this.limits = limits;
    this.budget = new RetryBudget(limits.retry, now);
    this.retries = new Retries(this.budget, this.tally);
    this.breakers = new Breakers(limits.breaker, random);
    this.primaryGate = new ReleaseGate(limits.release, random);
    this.anyGate = new ReleaseGate(limits.release, random);
    this.#arrivals = new ArrivalRate(now);
  }

  tick(now: number): void {
    this.#arrivals.sample(now, this.tally.calls);
    this.budget.tick(now);
    this.breakers.tick(now);
  }

  /** Nobody behind that gate can be asked, since then. */
  lost(gate: ReleaseGate, since: number, now: number): void {
    const arrivals = this.tally.calls;
    gate.lost({ since, arrivals, perMs: this.#arrivals.perMs(now, arrivals) });
  }

  /** Nobody could ever be asked, and calls wait since then. */
  neverFound(since: number): void {
    this.primaryGate.neverFound(since);
    this.anyGate.neverFound(since);
  }

  /** Somebody behind it can be asked again. */
  found(gate: ReleaseGate, waiting: number, now: number): void {
    gate.found({ now, arrivals: this.tally.calls, waiting });
  }
}
