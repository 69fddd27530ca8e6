import { afterAll, describe, expect, it } from 'vitest';
import { freshSeeds, seedsOf } from '../../../test/support/fresh-seeds.ts';
import { SeedRuns } from '../../../test/support/seed-runs.ts';

/**
 * Of the three minutes, about, that a CI run spends on these and the chosen seeds (`seeds.test.ts`) together. How many fit is
 * for the machine to say; which they are is not: a slower one runs fewer of the same.
 */
const FRESH_MS = process.env.HOLDFAST_LONG === '1' ? 300_000 : 60_000;
/** However slow the machine is. */
const RUNS_MIN = 3;
/** Of as many runs the history of one may be left undecided. */
const RUNS_PER_UNDECIDED = 500;
/** For the last of them, and for those that must be. */
const PATIENCE_MS = 120_000;

const { first, why } = freshSeeds();
const runs = new SeedRuns();

afterAll(() => {
  console.log(`fresh seeds from ${first} on, ${why}: ${runs.summary}`);
});

describe('A whole cluster under faults that nobody has seen before', () => {
  it.runIf(process.env.HOLDFAST_SEED === undefined)(
    'keeps its promises',
    async () => {
      const endsAt = performance.now() + FRESH_MS;
      for (let seed = first; runs.count < RUNS_MIN || performance.now() < endsAt; seed += 1)
        await runs.pass(seed);
    },
    FRESH_MS + PATIENCE_MS,
  );

  it.runIf(process.env.HOLDFAST_SEED === undefined)('leaves hardly a history undecided', () => {
    expect(runs.undecided).toBeLessThanOrEqual(Math.max(1, runs.count / RUNS_PER_UNDECIDED));
  });

  it('begins with another seed for another tree', () => {
    const [one, other] = [
      '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
      'ffffffffffffffffffffffffffffffffffffffff',
    ];
    expect(seedsOf(one).first).not.toBe(seedsOf(other).first);
    expect(Number.isSafeInteger(seedsOf(other).first + 1000)).toBe(true);
  });
});
