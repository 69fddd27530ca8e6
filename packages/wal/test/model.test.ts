import type { LogIndex } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { nameOf } from './support/entries.ts';
import { Scenario } from './support/scenario.ts';
import { below, forSeeds, LONG_TIMEOUT_MS } from './support/seeds.ts';

describe('a log and a naive array', () => {
  it(
    'hold the same at any time, synced or not, and after every restart',
    async () => {
      await forSeeds(15, 'model.test.ts', async (random) => {
        const scenario = new Scenario(random, { segmentBytes: (5 + below(random, 12)) * 4096 });
        scenario.onAction = async () => {
          const { log } = scenario;
          const { entries } = log.model;
          const kept = entries.filter(({ index }) => index >= scenario.below);
          const [first] = kept;
          if (first === undefined) return;
          const from = (first.index + below(random, kept.length)) as LogIndex;
          const to = (from + below(random, 8)) as LogIndex;
          const bytesMax = below(random, 3000);
          const read = await log.wal.read({ from, to, bytesMax });
          const wanted = entries.filter(({ index }) => index >= from && index <= to).map(nameOf);
          expect(read.length).toBeGreaterThan(0);
          expect(read.map(nameOf)).toEqual(wanted.slice(0, read.length));
          if (read.length === wanted.length) return;
          const bytes = wanted.slice(0, read.length + 1).reduce((sum, name) => sum + name.length, 0);
          expect(bytes).toBeGreaterThan(bytesMax);
        };
        await scenario.run(120);
        await scenario.restart(true);
        await scenario.restart(false);
        expect(scenario.log.failures).toEqual([]);
      });
    },
    LONG_TIMEOUT_MS,
  );
});
