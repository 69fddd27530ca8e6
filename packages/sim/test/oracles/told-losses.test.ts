import { expect, test } from 'vitest';
import { checkToldLosses } from '../../src/oracles/told-losses.ts';
import { logOf } from './support.ts';

// Revisions are ten times the index.
const log = logOf([['a', '1']], [['b', '1']]);

test('what is not in the log may be called lost', () => {
  checkToldLosses([{ client: 'c1', revisions: [11, 12, 30] }], log);
});

test('what is in the log and was called lost is caught', () => {
  expect(() => checkToldLosses([{ client: 'c1', revisions: [19, 20] }], log)).toThrow(
    'c1 was told that revision 20 is lost, and it is in the log',
  );
});
