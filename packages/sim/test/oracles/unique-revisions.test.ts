import type { Effect } from '@holdfast/core';
import { type Entry, nodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { UniqueRevisions } from '../../src/oracles/unique-revisions.ts';
import { entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const persist = (...entries: Entry[]): Effect =>
  ({ kind: 'persist', order: { record: { kind: 'entries', entries } } }) as unknown as Effect;

test('an entry that many log names its revisions once', () => {
  const oracle = new UniqueRevisions();
  const entry = entryOf({ index: 1, revision: 5, changes: [['a', '1']] });
  oracle.onEffect(n1, persist(entry));
  oracle.onEffect(n2, persist(structuredClone(entry)));
  oracle.onEffect(n2, persist(entryOf({ index: 1, term: 2, revision: 6, changes: [['b', '1']] })));
});

test('the opening entries of two terms name nothing', () => {
  const oracle = new UniqueRevisions();
  for (const term of [3, 4]) {
    const entry = entryOf({ index: 4, term, revision: 5, changes: [] });
    oracle.onEffect(n1, persist({ ...entry, body: { kind: 'opening', primary: n1.node } }));
  }
});

test('a revision of a lost entry that is given again is caught', () => {
  const oracle = new UniqueRevisions();
  const changes = [
    ['a', '1'],
    ['b', '1'],
  ] as const;
  oracle.onEffect(n1, persist(entryOf({ index: 4, revision: 5, changes })));
  const again = entryOf({ index: 4, term: 2, revision: 6, changes: [['a', '1']] });
  expect(() => oracle.onEffect(n2, persist(again))).toThrow(
    'unique revisions: revision 6 names 4@1/1 and 4@2/0',
  );
});

test('one position with two numberings is caught', () => {
  const oracle = new UniqueRevisions();
  oracle.onEffect(n1, persist(entryOf({ index: 1, revision: 5, changes: [['a', '1']] })));
  const other = entryOf({ index: 1, revision: 6, changes: [['a', '1']] });
  expect(() => oracle.onEffect(n2, persist(other))).toThrow(
    'n2 logs 1@1 from revision 6 on, elsewhere it is 5',
  );
});
