import { describe, expect, it } from 'vitest';
import { newFirstSeed } from '../../scripts/support/sim-options.ts';
import { Mutant } from '../mutations/support/mutant.ts';
import { readMutations } from '../mutations/support/mutation.ts';

/** Of processor time, for each. */
const SECONDS_MAX = 300;
const kept = readMutations().filter(({ hasSchedule }) => hasSchedule);

describe('Fresh seeds', () => {
  const firstSeed = newFirstSeed();

  it.each(kept)(`find $name in ${SECONDS_MAX} s of processor time`, async (mutation) => {
    const mutant = Mutant.make(mutation);
    try {
      const answer = await mutant.search({ firstSeed, cpuSeconds: SECONDS_MAX, shrinkSeconds: 0 });
      expect(answer.found, `${answer.runs} runs from seed ${firstSeed} on`).toBeDefined();
    } finally {
      mutant.remove();
    }
  });
});
