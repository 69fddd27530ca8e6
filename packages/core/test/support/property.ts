import fc from 'fast-check';

/** Ten times the runs with HOLDFAST_LONG=1; HOLDFAST_SEED repeats the seed that a failure printed. */
export function check<Values>(property: fc.IProperty<Values>, runs: number): void {
  const seed = process.env.HOLDFAST_SEED;
  fc.assert(property, {
    numRuns: process.env.HOLDFAST_LONG === '1' ? runs * 10 : runs,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
}
