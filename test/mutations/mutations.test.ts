import { readFileSync } from 'node:fs';
import { parseSchedule, runSchedule } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { Mutant } from './support/mutant.ts';
import { type Mutation, readMutations } from './support/mutation.ts';

const mutations = readMutations();
const kept = mutations.filter(({ hasSchedule }) => hasSchedule);

/** A bug that was put in on purpose is found by the schedule that is kept of it. */
async function isFound(mutation: Mutation): Promise<void> {
  const mutant = Mutant.make(mutation);
  try {
    const { found } = await mutant.replay(mutation.schedulePath);
    expect(
      found,
      `${mutation.schedulePath} finds nothing any more: search anew with scripts/mutants.ts`,
    ).toBeDefined();
    expect(found?.kind).not.toBe('simulator');
  } finally {
    mutant.remove();
  }
}

describe('Bugs put in on purpose', () => {
  it('are found, at least 15 of them, by what is kept', () => {
    expect(kept.length).toBeGreaterThanOrEqual(15);
  });

  it.each(mutations)('$name still applies', (mutation) => {
    expect(Mutant.whyNotApplied(mutation)).toBe(undefined);
  });

  it.each(kept)('$name is found', isFound);
});

describe('What finds a bug', () => {
  it.each(kept)('passes without it: $name', async ({ schedulePath }) => {
    await runSchedule(parseSchedule(readFileSync(schedulePath, 'utf8')));
  });
});
