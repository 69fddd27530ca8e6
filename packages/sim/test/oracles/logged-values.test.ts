import type { Effect } from '@holdfast/core';
import type { Entry } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { LoggedValues } from '../../src/oracles/logged-values.ts';
import { entryOf } from './support.ts';

let logged: LoggedValues;

beforeEach(() => {
  logged = new LoggedValues();
});

function log(...entries: readonly Entry[]): void {
  logged.onEffect({ kind: 'persist', order: { record: { kind: 'entries', entries } } } as unknown as Effect);
}

test('a value has the revision that it was logged at, on however many nodes', () => {
  const entry = entryOf({
    index: 2,
    revision: 20,
    changes: [
      ['p', '1'],
      ['q', '1'],
    ],
  });
  log(entry);
  log(entry);
  expect(logged.revisionsOf('p', '1')).toEqual({ oldest: 20, newest: 20 });
  expect(logged.revisionsOf('q', '1')).toEqual({ oldest: 21, newest: 21 });
  expect(logged.revisionsOf('q', '2')).toBeUndefined();
  expect(logged.revisionsOf('r', '1')).toBeUndefined();
});

test('one that was logged again, after a failover, has several', () => {
  log(entryOf({ index: 2, term: 2, revision: 1020, changes: [['p', '1']] }));
  log(entryOf({ index: 2, revision: 20, changes: [['p', '1']] }));
  expect(logged.revisionsOf('p', '1')).toEqual({ oldest: 20, newest: 1020 });
});

test('the newest delete of a key is known, others are not forgotten for it', () => {
  expect(logged.newestDelete('p')).toBe(0);
  log(entryOf({ index: 3, revision: 30, changes: [['p', undefined]] }));
  log(entryOf({ index: 2, revision: 20, changes: [['p', undefined]] }));
  expect(logged.newestDelete('p')).toBe(30);
  expect(logged.newestDelete('q')).toBe(0);
});
