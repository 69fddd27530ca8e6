import { expect, test } from 'vitest';
import { checkSafeEvent } from '../../src/oracles/safe-watches.ts';

test('what some node has applied may be told', () => {
  checkSafeEvent('c1', 20, 20);
  checkSafeEvent('c1', 0, 20);
});

test('what none has applied yet is caught', () => {
  expect(() => checkSafeEvent('c1', 21, 20)).toThrow(
    'c1 is told of revision 21, and no node has applied more than 20',
  );
});
