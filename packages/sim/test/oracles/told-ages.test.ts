import { expect, test } from 'vitest';
import { checkToldAge } from '../../src/oracles/told-ages.ts';

test('an age within the bound is as it should be', () => {
  checkToldAge('c1', 0, 50);
  checkToldAge('c1', 50, 50);
});

test.each([-1, 50.5, Number.NaN])('an age of %d ms where 50 was the most is caught', (ageMs) => {
  expect(() => checkToldAge('c1', ageMs, 50)).toThrow(
    `c1 was given what is ${ageMs} ms old; 50 was the most`,
  );
});

test('an age that is not told is caught', () => {
  expect(() => checkToldAge('c1', undefined, 50)).toThrow('unknown how many ms old');
});
