import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimulationFailure } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import * as exact from '../../docs/examples/ticket-sale/exact-sale.ts';
import * as naive from '../../docs/examples/ticket-sale/naive-sale.ts';
import { simulateSale } from '../../docs/examples/ticket-sale/simulate-sale.ts';
import { ROOT } from '../../scripts/support/workspace.ts';
import { FOUND_BY_SEED } from '../support/ticket-sale.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const SEEDS = Array.from({ length: isLong ? 300 : FOUND_BY_SEED + 7 }, (_, place) => place + 1);

async function failureOf(seed: number): Promise<unknown> {
  return simulateSale(seed, naive.sellSeat).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('The worked example of docs/testing.md', () => {
  it('sells a seat to nobody, found by the seed that the page names', async () => {
    for (let seed = 1; seed < FOUND_BY_SEED; seed += 1) expect(await failureOf(seed)).toBeUndefined();
    const failure = await failureOf(FOUND_BY_SEED);
    expect(failure).toBeInstanceOf(SimulationFailure);
    expect(failure).toMatchObject({ kind: 'body', cause: { actual: '11', expected: '10' } });
  });

  it.each(SEEDS)('once mended sells each seat once, seed %i', async (seed) => {
    await simulateSale(seed, exact.sellSeat);
  });

  it('is quoted on the page as it is', () => {
    const page = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8');
    const quotes = [...page.matchAll(/\]\((examples\/[^)]+)\)[^\n]*\n\n```ts\n([\s\S]*?)```/g)];
    expect(quotes.map(([, path]) => path)).toEqual(
      ['naive-sale.ts', 'simulate-sale.ts', 'exact-sale.ts'].map((name) => `examples/ticket-sale/${name}`),
    );
    for (const [, path = '', code = ''] of quotes)
      expect(readFileSync(join(ROOT, 'docs', path), 'utf8'), path).toContain(code);
    expect(page).toContain(`seed ${FOUND_BY_SEED} failed at `);
  });
});
