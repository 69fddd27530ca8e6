import { expect } from 'vitest';
import type { LedgerLoad } from './ledger-load.ts';

/** Nothing acknowledged is missing or there twice, counters match, and the history is linearizable. */
export async function expectSound(load: LedgerLoad): Promise<void> {
  const { accounting, keyValue, counters } = await load.judge();
  console.log(accounting.lines.at(-1));
  console.log(`history: keys ${keyValue.verdict}, counters ${counters.verdict}`);
  expect(accounting.lines.slice(0, -1)).toEqual([]);
  expect(accounting.ok).toBe(true);
  expect([keyValue, counters]).toMatchObject([{ verdict: 'ok' }, { verdict: 'ok' }]);
}
