import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/support/workspace.ts';
import { MutantProcess } from './support/mutant-process.ts';
import { type Mutation, readMutations, sourcesOf } from './support/mutation.ts';

const mutations = readMutations();
const kept = mutations.filter(({ hasSchedule }) => hasSchedule);
const mutants = new MutantProcess();
afterAll(() => mutants.end());

/** Of the neighbours of a schedule: how many may have to be tried after a change of the product's timing. */
const NEIGHBOURS_MAX = 6;

/** A bug that was put in on purpose is found by the schedule that is kept of it, or by one close to it. */
async function isFound(mutation: Mutation): Promise<void> {
  const { name, schedulePath: path } = mutation;
  const sources = sourcesOf(mutation);
  const { found } = await mutants.ask({ kind: 'replay', name, sources, path, neighbours: NEIGHBOURS_MAX });
  expect(found, `${path} finds nothing any more: search anew with scripts/mutants.ts`).toBeDefined();
}

/** The schedule finds nothing where there is no bug, and goes where the bug would be. */
async function passesWithout({ schedulePath: path, mark }: Mutation): Promise<void> {
  const { found, marks } = await mutants.ask({
    kind: 'replay',
    name: 'none',
    sources: {},
    path,
    neighbours: 0,
  });
  expect(found).toBe(undefined);
  expect(marks, `${path} does not come to ${mark} any more: search anew with scripts/mutants.ts`).toContain(
    mark,
  );
}

describe('Bugs put in on purpose', () => {
  it('are found, at least 62 of them, by what is kept', () => {
    expect(kept.length).toBeGreaterThanOrEqual(62);
  });

  it.each(mutations)('$name still applies', (mutation) => {
    sourcesOf(mutation);
  });

  it.each(kept)('$name is found', isFound);
});

describe('What finds a bug', () => {
  it.each(kept)('passes without it: $name', passesWithout);

  it('is not the simulator when it fails itself', async () => {
    const oracle = 'packages/sim/src/oracles/log-matching.ts';
    const source = readFileSync(join(ROOT, oracle), 'utf8');
    const broken = source.replace(
      /^ {2}onEffect\(.*$/m,
      "$&\n    if (effect.kind === 'persist') throw new Error('broken');",
    );
    const asked = { name: 'broken-oracle', sources: { [oracle]: broken } };
    const { schedulePath: path, mark } = kept[0]!;
    const replay = mutants.ask({ kind: 'replay', ...asked, path, neighbours: 0 });
    await expect(replay).rejects.toThrow('the simulator itself failed with broken-oracle: broken');
    const search = { seeds: [1], focus: [], secondsMax: 60, shrinkSeconds: 0, robustness: 0, mark };
    await expect(mutants.ask({ kind: 'search', ...asked, ...search })).rejects.toThrow('itself failed');
  });
});
