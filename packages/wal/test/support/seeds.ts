import { SimRandom } from '@holdfast/sim';
import { DRAWN_SEED } from '../../../../test/support/drawn-seeds.ts';

/** How many times as much is tried with HOLDFAST_LONG. */
export const LONG: number = process.env.HOLDFAST_LONG === undefined ? 1 : 20;

/** Enough for twenty times the runs, on a slow machine. */
export const LONG_TIMEOUT_MS = 120_000 * LONG;

/**
 * Runs `test` with so many seeds that nobody chose (twenty times as many with HOLDFAST_LONG), or with HOLDFAST_SEED alone.
 * A failure names the seed and how to repeat it.
 */
export async function forSeeds(
  count: number,
  file: string,
  test: (random: SimRandom, seed: number) => Promise<void>,
): Promise<void> {
  const given = process.env.HOLDFAST_SEED;
  for (let run = 0; run < (given === undefined ? count * LONG : 1); run++) {
    const seed = DRAWN_SEED + run;
    try {
      await test(new SimRandom(seed), seed);
    } catch (error) {
      const repeat = `HOLDFAST_SEED=${seed} npx pnpm@12.21.0 exec vitest run packages/wal/test/${file}`;
      (error as Error).message += `\nseed ${seed}, repeat with: ${repeat}`;
      throw error;
    }
  }
}

export function below(random: SimRandom, bound: number): number {
  return Math.floor(random.next() * bound);
}

export function chance(random: SimRandom, probability: number): boolean {
  return random.next() < probability;
}
