import type { Effect } from '@holdfast/core';
import { type Entry, type LogIndex, nodeId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { LogMatching, type LogView } from '../../src/oracles/log-matching.ts';
import { entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
let oracle: LogMatching;

beforeEach(() => {
  oracle = new LogMatching();
});

const persist = (entries: readonly Entry[], kind: 'entries' | 'repair' = 'entries'): Effect =>
  ({ kind: 'persist', order: { record: { kind, entries } } }) as unknown as Effect;
const log = (terms: Readonly<Record<number, number>>): LogView => ({
  termAt: (index: LogIndex) => terms[index] as Term | undefined,
});
const first = entryOf({ index: 1, revision: 10, changes: [['a', '1']] });
const second = entryOf({ index: 2, revision: 20, changes: [['b', '1']] });

test('the same entries in two logs, also as repairs and behind what is not known', () => {
  oracle.onEffect(n1, persist([first, second]), log({}));
  oracle.onEffect(n2, persist([first]), log({}));
  oracle.onEffect(n2, persist([second]), log({ 1: 1 }));
  oracle.onEffect(n2, persist([second], 'repair'), log({ 1: 3 }));
  oracle.onEffect(n2, persist([second]), log({}));
});

test('another entry of the same term at the same index is caught', () => {
  oracle.onEffect(n1, persist([first, second]), log({}));
  const other = entryOf({ index: 2, revision: 20, changes: [['b', '2']] });
  expect(() => oracle.onEffect(n2, persist([other]), log({ 1: 1 }))).toThrow(
    'n2 logs another entry at 2@1 than n1 did',
  );
  expect(() => oracle.onEffect(n2, persist([other], 'repair'), log({}))).toThrow('another entry at 2@1');
});

test('an entry behind one of another term than it follows is caught', () => {
  expect(() => oracle.onEffect(n1, persist([second]), log({ 1: 2 }))).toThrow(
    'n1 logs 2@1, which follows term 1, behind an entry of term 2',
  );
  const third = entryOf({ index: 3, term: 3, previousTerm: 2, revision: 30, changes: [] });
  expect(() => oracle.onEffect(n1, persist([second, third]), log({ 1: 1 }))).toThrow(
    'n1 logs 3@3, which follows term 2, behind an entry of term 1',
  );
  const headless = entryOf({ index: 1, previousTerm: 1, revision: 1, changes: [] });
  expect(() => oracle.onEffect(n1, persist([headless]), log({}))).toThrow('behind an entry of term 0');
});
