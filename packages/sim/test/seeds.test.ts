import { describe, expect, it } from 'vitest';
import { RunFailure, runSeed } from '../src/index.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const given = process.env.HOLDFAST_SEED;

/** Some seconds of one core; `pnpm sim --minutes` goes on from there. */
const SEEDS = given === undefined ? numbers(1, isLong ? 200 : 12) : [Number(given)];

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}

async function passes(seed: number): Promise<string> {
  try {
    return (await runSeed(seed)).digest;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    throw new Error(`${error.kind}: ${error.message}\nrepeat it with: pnpm sim --seed ${seed} --trace`, {
      cause: error,
    });
  }
}

describe('A whole cluster under drawn faults', () => {
  it.each(SEEDS)('keeps its promises, seed %i', async (seed) => {
    await passes(seed);
  });

  it('does the same for the same seed', async () => {
    for (const seed of [3, 11]) expect(await passes(seed)).toBe(await passes(seed));
  });
});
