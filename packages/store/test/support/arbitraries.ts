import fc from 'fast-check';
import type { PlannedEntry } from './replica.ts';

const LONG = process.env.HOLDFAST_LONG === '1';

/** How often a property runs: ten times as often with HOLDFAST_LONG=1. */
export function runs(count: number): fc.Parameters<unknown> {
  return { numRuns: LONG ? count * 10 : count };
}

/** Few keys, so that they meet often; the empty one, one above 0x7f and prefixes of each other among them. */
export const key: fc.Arbitrary<string> = fc.constantFrom(
  '',
  'a',
  'aa',
  'ab',
  'b',
  'c',
  'ca',
  'é',
  '\u{10ffff}',
  '\0',
);

const mutation = fc.record({ key, value: fc.string({ maxLength: 12 }) });
/** Log time goes on by one and a half an entry: some are due in the same plan, some again and again. */
const timed = fc.record({ key, value: fc.string({ maxLength: 12 }), ttl: fc.integer({ min: 1, max: 12 }) });
const removal = fc.record({ key });
const write = fc.array(fc.oneof({ arbitrary: mutation, weight: 2 }, timed, removal), { maxLength: 4 });

const planned: fc.Arbitrary<PlannedEntry> = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      session: fc.nat({ max: 3 }),
      writes: fc.array(write, { minLength: 1, maxLength: 3 }),
    }),
    weight: 8,
  },
  { arbitrary: fc.constant({ kind: 'open' as const }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('close' as const), session: fc.nat({ max: 3 }) }), weight: 1 },
  { arbitrary: fc.constant({ kind: 'opening' as const }), weight: 1 },
  { arbitrary: fc.constant({ kind: 'expire' as const }), weight: 2 },
);

export const plan: fc.Arbitrary<PlannedEntry[]> = fc.array(planned, { minLength: 1, maxLength: 14 });
