import { expect, test } from 'vitest';
import { drawSchedule, NEIGHBOURS, neighbour } from '../../src/index.ts';

const schedule = drawSchedule(7);
const calls = (of: typeof schedule): number =>
  of.clients.flatMap(({ threads }) => threads).reduce((sum, { length }) => sum + length, 0);

test('every neighbour differs, in when things happen and not in what', () => {
  const all = Array.from({ length: NEIGHBOURS + 1 }, (_, ordinal) => neighbour(schedule, ordinal));
  expect(all[0]).toBe(schedule);
  expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(NEIGHBOURS + 1);
  for (const one of all) {
    expect(one.faults.map(({ kind }) => kind)).toEqual(schedule.faults.map(({ kind }) => kind));
    expect(calls(one)).toBe(calls(schedule));
  }
});

test('there are no others', () => {
  expect(() => neighbour(schedule, NEIGHBOURS + 1)).toThrow('there is no neighbour 7');
});
