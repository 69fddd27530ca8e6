import type { Effect, Input, Role } from '@holdfast/core';
import { type LogIndex, nodeId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { ComparedEntries, type StandbyView } from '../../src/oracles/compared-entries.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const tick: Input = { kind: 'tick' };
let oracle: ComparedEntries;

beforeEach(() => {
  oracle = new ComparedEntries();
});

/** Its log ends at 9, with entries of term 1. */
function view(commit: number, how: { readonly term?: number; readonly role?: Role } = {}): StandbyView {
  return {
    role: how.role ?? 'standby',
    term: (how.term ?? 1) as Term,
    commit: commit as LogIndex,
    log: { termAt: (index) => (index <= 9 ? (1 as Term) : undefined) },
  };
}

const append = (previous: number, entries: readonly number[], previousTerm = 1, term = 1): Input =>
  ({
    kind: 'message',
    from: nodeId('n2'),
    message: {
      kind: 'append',
      term,
      previous: { index: previous, term: previousTerm },
      entries: entries.map((index) => ({ index, term: 1 })),
    },
  }) as unknown as Input;
const match = (index: number): Effect =>
  ({ kind: 'send', to: nodeId('n2'), message: { kind: 'appendMatch', term: 1, match: index } }) as Effect;

function step(input: Input, effects: readonly Effect[], before: StandbyView, after: StandbyView): void {
  oracle.beforeStep(n1, before);
  oracle.onStep(n1, input, effects, after);
}

test('what an append of the term has shown is said and committed', () => {
  step(append(5, [6, 7]), [match(7)], view(4), view(6));
  step(tick, [match(6)], view(6), view(7));
});

test.each<[string, Input]>([
  ['nothing was compared', tick],
  ['the entry before is another', append(7, [], 2)],
  ['it does not hold all of it', append(9, [10])],
  ['the append is of another term', append(5, [6, 7], 1, 2)],
])('a match beyond what was compared is caught: %s', (_, input) => {
  expect(() => step(input, [match(7)], view(4), view(4))).toThrow(
    'n1 says in term 1 that it holds 7, and has compared its log up to 4',
  );
});

test('what an earlier primary has shown is not compared with this one', () => {
  step(append(5, [6, 7]), [], view(4), view(4));
  expect(() => step(tick, [], view(4), view(6, { term: 2 }))).toThrow(
    'n1 takes 6 for committed in term 2, and has compared its log up to 4',
  );
});

test('a primary commits by counting, a snapshot by what it holds, and a new run begins anew', () => {
  step(tick, [], view(4, { role: 'primary' }), view(6, { role: 'primary' }));
  const base = {
    kind: 'persist',
    order: { record: { kind: 'base', position: { index: 8, term: 1 } } },
  } as unknown as Effect;
  step({ kind: 'tick' }, [base], view(6), view(8));
  oracle.onRecovered(n1);
  expect(() => step(tick, [], view(2), view(8))).toThrow('has compared its log up to 2');
});
