import { expect, test } from 'vitest';
import { checkClearedRanges } from '../../src/oracles/cleared-ranges.ts';
import { logOf } from './support.ts';

// Revisions are ten times the index.
const log = logOf([['a', '1']], [['b', '1']], [['a', undefined]], [['a', '2']], [['c', '1']], [['c', '2']]);
const cleared = (keys: readonly string[], floor: number, ceiling = Infinity) => ({
  client: 'c1',
  keys,
  floor,
  ceiling,
});

test('what was there is deleted, and may be there again', () => {
  checkClearedRanges([cleared(['a'], 10), cleared(['a', 'd'], 20)], log);
});

test('what came later, or was deleted before, need not be deleted', () => {
  checkClearedRanges([cleared(['a', 'c'], 30), cleared(['b'], 10), cleared(['a', 'b', 'c'], 0)], log);
});

test('what was written anew since may stay', () => {
  checkClearedRanges([cleared(['c'], 50)], log);
});

test('what is still there is caught', () => {
  expect(() => checkClearedRanges([cleared(['b'], 20)], log)).toThrow(
    'c1 cleared its range after b=1 was there at 2, and it still was',
  );
  expect(() => checkClearedRanges([cleared(['a'], 40)], log)).toThrow('after a=2 was there at 4');
});

test('what was deleted only after the answer is caught', () => {
  checkClearedRanges([cleared(['a'], 10, 30)], log);
  expect(() => checkClearedRanges([cleared(['a'], 10, 20)], log)).toThrow('after a=1 was there at 1');
});
