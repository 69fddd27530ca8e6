import { invalidOption } from '../invalid-option.ts';
import {
  type BreakerLimits,
  type DegradationLimits,
  type HedgeLimits,
  RESILIENCE_LIMITS,
  type ReleaseLimits,
  type ResilienceLimits,
  type RetryLimits,
} from './resilience-limits.ts';

/** What a client is told that differs from the defaults. */
export interface ResilienceOptions {
  readonly retry?: Partial<RetryLimits> | undefined;
  readonly breaker?: Partial<BreakerLimits> | undefined;
  readonly release?: Partial<ReleaseLimits> | undefined;
  readonly degradation?: Partial<DegradationLimits> | undefined;
  readonly hedge?: Partial<HedgeLimits> | undefined;
}

const PARTS = ['retry', 'breaker', 'release', 'degradation', 'hedge'] as const;

/** The defaults with what is given in their place. Throws HOLDFAST_INVALID_ARGUMENT. */
export function resilienceLimits(given: ResilienceOptions): ResilienceLimits {
  for (const part of PARTS) checkPart(part, given[part], RESILIENCE_LIMITS[part]);
  const percentile = given.hedge?.percentile ?? 0;
  if (percentile >= 100) throw invalidOption('hedge.percentile', percentile, 'below 100');
  return {
    retry: { ...RESILIENCE_LIMITS.retry, ...given.retry },
    breaker: { ...RESILIENCE_LIMITS.breaker, ...given.breaker },
    release: { ...RESILIENCE_LIMITS.release, ...given.release },
    degradation: { ...RESILIENCE_LIMITS.degradation, ...given.degradation },
    hedge: { ...RESILIENCE_LIMITS.hedge, ...given.hedge },
  };
}

function checkPart(part: string, given: unknown, defaults: object): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null) throw invalidOption(part, given, 'an object');
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name))
      throw invalidOption(`${part}.${name}`, value, `one of ${Object.keys(defaults).join(', ')}`);
    // Nought switches a part off, such as the budget's refill; no number may be less.
    if (typeof value !== 'number' || !(value >= 0))
      throw invalidOption(`${part}.${name}`, value, 'a number from 0 on');
  }
}
