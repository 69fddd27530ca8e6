import { describe, expect, test } from 'vitest';
import { runDrawn } from './support/drawn-run.ts';

const RUNS = process.env.HOLDFAST_LONG === '1' ? 2000 : 200;
const FIRST = Number(process.env.HOLDFAST_SEED ?? 1);

describe('clusters under drawn faults', () => {
  test('stay safe, lose nothing acknowledged and converge once the faults end', () => {
    const totals: Record<string, number> = {};
    const runs = process.env.HOLDFAST_SEED === undefined ? RUNS : 1;
    for (let seed = FIRST; seed < FIRST + runs; seed++) {
      try {
        const { counts, clients } = runDrawn(seed);
        for (const [name, count] of Object.entries({ ...counts, ...clients.counts, ...clients.readCounts }))
          totals[name] = (totals[name] ?? 0) + count;
      } catch (cause) {
        throw new Error(
          `seed ${seed} (repeat with HOLDFAST_SEED=${seed}): ${String((cause as Error).message)}`,
          { cause },
        );
      }
    }
    // Every shape of trouble was met.
    for (const [name, count] of Object.entries(totals)) if (runs > 1) expect(count, name).toBeGreaterThan(0);
  }, 600_000);
});
