import type { Input } from '@holdfast/core';
import { expect, test } from 'vitest';
import type { DatabaseDriver } from '../src/driver/database-driver.ts';
import { Switchovers } from '../src/switchovers.ts';

function databaseInto(inputs: Input[]): DatabaseDriver {
  return { input: (input: Input) => inputs.push(input) } as unknown as DatabaseDriver;
}

test('what becomes of a hand-over whose node stops is known to nobody', async () => {
  const switchovers = new Switchovers();
  const ordered = switchovers.order(databaseInto([]), undefined);
  switchovers.abandon();
  await expect(ordered).rejects.toMatchObject({ code: 'HOLDFAST_OUTCOME_UNKNOWN', outcome: 'unknown' });
});

test('a node that stops begins no hand-over', async () => {
  const inputs: Input[] = [];
  const switchovers = new Switchovers();
  switchovers.abandon();
  await expect(switchovers.order(databaseInto(inputs), undefined)).rejects.toMatchObject({
    code: 'HOLDFAST_NOT_READY',
    outcome: 'not-applied',
  });
  expect(inputs).toEqual([]);
});
