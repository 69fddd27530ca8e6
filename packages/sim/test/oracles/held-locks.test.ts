import { expect, test } from 'vitest';
import { checkHeldLocks } from '../../src/oracles/held-locks.ts';
import type { BookedHolding } from '../../src/workload/call-book.ts';
import { guardedKey, heldKey, LOCKS_NAMESPACE, storedAs } from '../../src/workload/keys.ts';
import { logOf, type PlannedChange } from './support.ts';

const RATES = { slowest: 0.99, fastest: 1.01 };
const HELD = heldKey('j0');
const GUARDED = storedAs(LOCKS_NAMESPACE, guardedKey('j0'));
const FREED: PlannedChange = [HELD, undefined];

const held = (by: string): PlannedChange => [HELD, by];
const written = (token: number): PlannedChange => [GUARDED, `${token} c1 1`];

function had(client: string, token: number, from: number, to?: number): BookedHolding {
  const ended = to === undefined ? {} : { endedAt: to };
  return { client, lock: 'j0', token, takenAt: from, writes: [], ...ended };
}

// Revisions are ten times the index: held by one from 10 up to 40, by another from 50 on.
const log = logOf([held('one')], [written(10)], [held('one')], [FREED], [held('other')], [written(50)]);

test('one holder after the other, renewed, with what they wrote, is as it should be', () => {
  const first = { ...had('c1', 10, 1, 5), writes: [20] };
  checkHeldLocks([had('c2', 50, 5), first], log, RATES);
  // Its own renewal is as good.
  checkHeldLocks([had('c1', 30, 1, 5)], log, RATES);
});

test('a lock taken from its holder is caught', () => {
  const taken = logOf([held('one')], [held('other')]);
  expect(() => checkHeldLocks([], taken, RATES)).toThrow('j0 is taken at 20 from who has held it since 10');
});

test('a token of nobody, and one of two, are caught', () => {
  expect(() => checkHeldLocks([had('c1', 40, 1)], log, RATES)).toThrow('it has j0 at 40: nobody had');
  expect(() => checkHeldLocks([had('c1', 10, 1, 2), had('c2', 30, 3)], log, RATES)).toThrow(
    'c2 and c1 were both told that they have j0',
  );
});

test('what is written under a lock that is lost is caught', () => {
  const late = logOf([held('one')], [FREED], [written(10)]);
  expect(() => checkHeldLocks([], late, RATES)).toThrow('is written at 30, without j0');
  const later = logOf([held('one')], [FREED], [held('other')], [written(10)]);
  expect(() => checkHeldLocks([], later, RATES)).toThrow('is written at 40, without j0');
});

test('an acknowledged write under a lock that is not in the log is caught', () => {
  const first = { ...had('c1', 10, 1, 5), writes: [25] };
  expect(() => checkHeldLocks([first], log, RATES)).toThrow(
    'c1 was told of a write under j0 at 25: it is lost',
  );
});

test('a holder that is not told in time is caught, unless clocks differ by too much', () => {
  const late = [had('c1', 10, 1, 6), had('c2', 50, 5)];
  const words = 'c2 was told at 5 that it has j0; c1 thought so until 6';
  expect(() => checkHeldLocks(late, log, RATES)).toThrow(words);
  expect(() => checkHeldLocks([had('c1', 10, 1), had('c2', 50, 5)], log, RATES)).toThrow('until undefined');
  checkHeldLocks(late, log, { slowest: 0.5, fastest: 2 });
});
