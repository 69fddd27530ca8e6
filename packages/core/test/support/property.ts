import fc from 'fast-check';

/** Ten times the runs with HOLDFAST_LONG=1. */
export function check<Values>(property: fc.IProperty<Values>, runs: number): void {
  fc.assert(property, { numRuns: process.env.HOLDFAST_LONG === '1' ? runs * 10 : runs });
}
