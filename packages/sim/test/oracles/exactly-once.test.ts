import { expect, test } from 'vitest';
import { checkExactlyOnce } from '../../src/oracles/exactly-once.ts';
import { WinningLog } from '../../src/oracles/winning-log.ts';
import type { BookedIncrement, BookedWrite } from '../../src/workload/call-book.ts';
import { entryOf, logOf } from './support.ts';

const conditional = (value: string, ifRevision: number): BookedWrite => ({
  client: 'c1',
  changes: [{ key: 'a', value }],
  ifRevision,
  outcome: { kind: 'unknown' },
});
const step = (by: number, outcome: BookedIncrement['outcome']): BookedIncrement => ({
  client: 'c1',
  key: 'c',
  by,
  outcome,
});
const told = (value: number, revision: number): BookedIncrement['outcome'] => ({
  kind: 'acknowledged',
  value,
  revision,
});

test('each call once, over what it demanded, is as it should be', () => {
  const log = logOf([['a', '1']], [['a', '2']], [['a', undefined]], [['a', '3']], [['c', '2']], [['c', '3']]);
  const writes = [conditional('2', 10), conditional('3', 0)];
  checkExactlyOnce(log, writes, [
    step(2, told(2, 50)),
    step(1, { kind: 'unknown' }),
    step(5, { kind: 'unknown' }),
  ]);
});

test('a call that is logged twice is caught', () => {
  const twice = [1, 2].map((index) =>
    entryOf({ index, revision: index, call: '1.1.0/7', changes: [['a', `${index}`]] }),
  );
  expect(() => checkExactlyOnce(new WinningLog(twice), [], [])).toThrow(
    'call 1.1.0/7 is in the log at 1 and at 2',
  );
});

test('a value that is written twice, under another call, is caught', () => {
  const writes: BookedWrite[] = [
    { client: 'c1', changes: [{ key: 'a', value: '1' }], outcome: { kind: 'unknown' } },
  ];
  expect(() => checkExactlyOnce(logOf([['a', '1']], [['a', '1']]), writes, [])).toThrow(
    'a=1 is in the log twice',
  );
});

test('a condition that did not hold is caught', () => {
  expect(() => checkExactlyOnce(logOf([['a', '1']], [['a', '2']]), [conditional('2', 9)], [])).toThrow(
    'a=2 demanded revision 9 and was applied at 2, over 10',
  );
});

test.each<[string, BookedIncrement[], string]>([
  ['a step applied twice', [step(2, told(2, 10))], 'nobody asked for it'],
  ['a step by another number', [step(2, told(2, 10)), step(1, told(4, 20))], 'by a step of 1'],
  ['a step told another value', [step(2, told(2, 10)), step(2, told(3, 20))], 'was told 3; it made it 4'],
  [
    'two steps told one revision',
    [step(2, told(2, 10)), step(2, told(2, 10))],
    'two steps of c were told revision 10',
  ],
  [
    'a lost step',
    [step(2, told(2, 10)), step(2, told(4, 20)), step(1, told(5, 30))],
    'an acknowledged step of c at revision 30 is lost',
  ],
  [
    'more steps than there can have been',
    [step(2, { kind: 'unknown' })],
    'took 2 steps that nobody was told of; 1 may have been',
  ],
])('%s is caught', (_, steps, message) => {
  expect(() => checkExactlyOnce(logOf([['c', '2']], [['c', '4']]), [], steps)).toThrow(message);
});
