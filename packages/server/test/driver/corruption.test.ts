import type { LogIndex, StoreState, Term } from '@holdfast/types';
import { expect, test } from 'vitest';
import { corruptionOfLog, corruptionOfStore } from '../../src/driver/corruption.ts';

function hole(from: number, to: number): { from: LogIndex; to: LogIndex } {
  return { from: from as LogIndex, to: to as LogIndex };
}

test('of a sound log there is nothing to tell', () => {
  expect(corruptionOfLog('/wal', { holes: [], damaged: false })).toBeUndefined();
});

test('the entries that a log has lost are named, as far as there are few', () => {
  expect(corruptionOfLog('/wal', { holes: [hole(3, 3), hole(5, 9)], damaged: true })).toEqual({
    what: 'log',
    where: '/wal',
    reason: 'entries are lost: 3, 5 to 9',
  });
  const many = Array.from({ length: 20 }, (_, number) => hole(number * 2 + 1, number * 2 + 1));
  expect(corruptionOfLog('/wal', { holes: many, damaged: true })?.reason).toBe(
    'entries are lost: 1, 3, 5, 7, 9, 11, 13, 15 and 12 more',
  );
});

test('damage that took no entry is told as well', () => {
  expect(corruptionOfLog('/wal', { holes: [], damaged: true })?.reason).toBe(
    'records are lost, though no entry that is known of',
  );
});

test('a store that cannot be used, or lacks what the log no longer has, is damaged', () => {
  const state = { checkpoint: { index: 0 as LogIndex, term: 0 as Term } } as StoreState;
  const sound = { state, usable: true, reason: undefined };
  expect(corruptionOfStore('/store', sound, 1 as LogIndex)).toBeUndefined();
  expect(
    corruptionOfStore('/store', { state, usable: false, reason: 'CURRENT is cut' }, 1 as LogIndex),
  ).toEqual({
    what: 'store',
    where: '/store',
    reason: 'CURRENT is cut',
  });
  expect(corruptionOfStore('/store', sound, 7 as LogIndex)?.reason).toBe(
    'it lacks entry 1, and the log begins with 7',
  );
});
