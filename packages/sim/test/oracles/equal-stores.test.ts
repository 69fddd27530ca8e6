import { expect, test } from 'vitest';
import { checkEqualStores } from '../../src/oracles/equal-stores.ts';
import { logOf } from './support.ts';

const log = logOf([['q', '1']], [['p', '1']], [['q', '2']], [['r', '1']], [['r', undefined]]);

test('what the log comes to, in the order of keys, is as it should be', () => {
  checkEqualStores(
    [
      ['p', '1'],
      ['q', '2'],
    ],
    log,
  );
  checkEqualStores([], logOf());
});

test.each<[string, [string, string][], string]>([
  [
    'an older value',
    [
      ['p', '1'],
      ['q', '1'],
    ],
    'in the end q=1 is read where the log says q=2',
  ],
  ['a key that is lost', [['q', '2']], 'in the end q=2 is read where the log says p=1'],
  ['one that is lost at the end', [['p', '1']], 'in the end undefined is read where the log says q=2'],
  [
    'one that was deleted',
    [
      ['p', '1'],
      ['q', '2'],
      ['r', '1'],
    ],
    'in the end r=1 is read',
  ],
  [
    'another order',
    [
      ['q', '2'],
      ['p', '1'],
    ],
    'in the end q=2 is read where the log says p=1',
  ],
])('%s is caught', (_, found, words) => {
  expect(() => checkEqualStores(found, log)).toThrow(words);
});
