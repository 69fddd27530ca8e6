import { afterAll, describe, expect, it } from 'vitest';
import { newFirstSeed } from '../../scripts/support/sim-options.ts';
import { MutantProcess } from '../mutations/support/mutant-process.ts';
import { readMutations, sourcesOf } from '../mutations/support/mutation.ts';

/** Of processor time, for each. */
const SECONDS_MAX = 300;
const SEEDS = 1000;
const kept = readMutations().filter(({ hasSchedule }) => hasSchedule);
const mutants = new MutantProcess();
afterAll(() => mutants.end());

describe('Fresh seeds, of runs with the kinds of fault that the patch names if it names some,', () => {
  const firstSeed = newFirstSeed();

  it.each(kept)(`find $name in ${SECONDS_MAX} s of processor time`, async (mutation) => {
    const answer = await mutants.ask({
      kind: 'search',
      name: mutation.name,
      sources: sourcesOf(mutation),
      seeds: Array.from({ length: SEEDS }, (_, place) => firstSeed + place),
      focus: mutation.focus,
      secondsMax: SECONDS_MAX,
      shrinkSeconds: 0,
      robustness: 0,
      mark: mutation.mark,
    });
    expect(answer.found, `${answer.runs} runs from seed ${firstSeed} on`).toBeDefined();
  });
});
