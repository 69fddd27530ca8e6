import type { Effect } from '@holdfast/core';
import { type LogIndex, nodeId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { LeaderCompleteness } from '../../src/oracles/leader-completeness.ts';

const n2 = { node: nodeId('n2'), number: 1 };
let oracle: LeaderCompleteness;

beforeEach(() => {
  oracle = new LeaderCompleteness();
  oracle.onCommit(view('primary', 2, 3), logOf([1, 1, 2]));
});

const view = (role: 'primary' | 'standby', term: number, commit: number) => ({
  role,
  term: term as Term,
  commit: commit as LogIndex,
});
/** Terms from index 1 on. */
const logOf = (terms: readonly number[], first = 1) => ({
  first: first as LogIndex,
  last: { index: terms.length as LogIndex, term: terms.at(-1)! as Term },
  termAt: (index: LogIndex) => terms[index - 1] as Term | undefined,
});
const elected = (term: number): Effect => ({
  kind: 'notice',
  notice: { kind: 'role', role: 'primary', term: term as Term, reason: 'elected' },
});

test('who has all that was committed may lead, in whatever it has beside it', () => {
  oracle.onEffect(n2, elected(3), logOf([1, 1, 2]));
  oracle.onEffect(n2, elected(4), logOf([1, 1, 2, 2, 3]));
});

test('what stands in a snapshot need not be in the log', () => {
  oracle.onEffect(n2, elected(3), logOf([0, 0, 0, 2], 4));
});

test('a primary of an earlier term, elected late, need not have it', () => {
  oracle.onEffect(n2, elected(2), logOf([1, 1]));
  oracle.onEffect(n2, elected(1), logOf([1]));
});

test.each([
  ['nothing', [1, 1]],
  ['an entry of term 1', [1, 1, 1, 1]],
])('who has %s there is caught', (found, terms) => {
  expect(() => oracle.onEffect(n2, elected(3), logOf(terms))).toThrow(
    `n2 becomes primary of term 3 without 3@2, committed in term 2: it has ${found} there`,
  );
});

test('what only standbys call committed, or an older commit index, changes nothing', () => {
  oracle.onCommit(view('standby', 2, 9), logOf([1, 1, 2, 2, 2, 2, 2, 2, 2]));
  oracle.onCommit(view('primary', 2, 2), logOf([1, 1, 2]));
  oracle.onEffect(n2, elected(3), logOf([1, 1, 2]));
});
