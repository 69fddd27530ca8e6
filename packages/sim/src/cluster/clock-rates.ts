/** Milliseconds of the clocks of machines for each one of the world: what the slowest may count, and the fastest. */
export interface ClockRates {
  readonly slowest: number;
  readonly fastest: number;
}

export interface ClockSpeeds {
  /** Greatest share by which two clocks differ that run at the pace of the world: quartzes are not exact. */
  readonly drift: number;
  /** Times that a clock may be faster than that, and slower. */
  readonly spread: number;
}

export function ratesOf({ drift, spread }: ClockSpeeds): ClockRates {
  return { slowest: (1 - drift / 2) / spread, fastest: (1 + drift / 2) * spread };
}

/** Of all of them together. */
export function widestOf(rates: readonly ClockRates[]): ClockRates {
  return {
    slowest: Math.min(...rates.map(({ slowest }) => slowest)),
    fastest: Math.max(...rates.map(({ fastest }) => fastest)),
  };
}

/** Clocks that differ by more are not what a lock or a lease is safe with (G20, G21). */
export function areAlike({ slowest, fastest }: ClockRates): boolean {
  return fastest / slowest <= 1.1;
}

/** `quartz` and `pace`: drawn, from 0 up to but not including 1. */
export function rateOf({ drift, spread }: ClockSpeeds, drawn: { quartz: number; pace: number }): number {
  return (1 + (drawn.quartz - 0.5) * drift) * spread ** (2 * drawn.pace - 1);
}
