import type { Effect, Input } from '@holdfast/core';
import { type LogIndex, nodeId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { SupersededEntries, type SupersedingCore } from '../../src/oracles/superseded-entries.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const append = { kind: 'message', from: nodeId('n2'), message: { kind: 'append' } } as unknown as Input;
const received = { kind: 'snapshotReceived' } as unknown as Input;
const applied = new Map<number, number>();
let oracle: SupersededEntries;

beforeEach(() => {
  applied.clear();
  oracle = new SupersededEntries({
    termAt: (index) => applied.get(index) as Term | undefined,
    get newestTerm() {
      return Math.max(0, ...applied.values());
    },
  });
});

/** A log of entries of term 1 up to 9, of which `commit` and those before it are committed. */
function coreOf(commit: number, supersededPending: number, hole?: number): SupersedingCore {
  return {
    context: {
      commit: commit as LogIndex,
      log: { last: { index: 9 as LogIndex, term: 1 as Term } },
    },
    repair: { behind: (index) => (index === hole ? ((index + 1) as LogIndex) : index) },
    applier: { supersededPending },
  };
}

const truncated = (from: number): Effect =>
  ({ kind: 'notice', notice: { kind: 'truncated', from, to: 9 } }) as unknown as Effect;
const base = (keepTail: boolean): Effect =>
  ({ kind: 'persist', order: { record: { kind: 'base', keepTail } } }) as unknown as Effect;
const files = (index: number, undecided = false): Effect =>
  ({ kind: 'fileDiverged', entries: [{ index, term: 1 }], undecided }) as unknown as Effect;
const judged = (index: number): Effect =>
  ({ kind: 'judged', entries: [{ index, term: 1 }] }) as unknown as Effect;

test('what is cut waits to be judged, is listed or has won', () => {
  oracle.beforeStep(n1, coreOf(6, 2), append);
  oracle.onStep(n1, append, [truncated(7)], coreOf(6, 5));
  applied.set(9, 2);
  applied.set(8, 1);
  oracle.beforeStep(n1, coreOf(6, 0), append);
  oracle.onStep(n1, append, [truncated(8), files(9), judged(8)], coreOf(6, 0));
});

test.each<[string, Input, Effect]>([
  ['an append cuts', append, truncated(7)],
  ['a snapshot replaces', received, base(false)],
])('what %s and nobody judges is caught', (_, input, effect) => {
  oracle.beforeStep(n1, coreOf(6, 1), input);
  expect(() => oracle.onStep(n1, input, [effect], coreOf(6, 2))).toThrow(
    'n1 lets go of 3 entries from 7 on, and judges 1',
  );
});

test('a snapshot that keeps the tail, and a log with a hole, are not held to it', () => {
  oracle.beforeStep(n1, coreOf(6, 0), received);
  oracle.onStep(n1, received, [base(true)], coreOf(6, 0));
  oracle.beforeStep(n1, coreOf(6, 0, 8), append);
  oracle.onStep(n1, append, [truncated(7)], coreOf(6, 0, 8));
});

test('what may yet win, or has won, and is listed as lost is caught', () => {
  const tick: Input = { kind: 'tick' };
  expect(() => oracle.onStep(n1, tick, [files(9)], coreOf(6, 0))).toThrow('which may yet win');
  oracle.onStep(n1, tick, [files(9, true)], coreOf(6, 0));
  applied.set(9, 1);
  expect(() => oracle.onStep(n1, tick, [files(9)], coreOf(6, 0))).toThrow('which has won');
  applied.delete(9);
  applied.set(8, 2);
  oracle.onStep(n1, tick, [files(9)], coreOf(6, 0));
});

test('what is taken for a winner and is not is caught', () => {
  applied.set(9, 2);
  expect(() => oracle.onStep(n1, { kind: 'tick' }, [judged(9)], coreOf(6, 0))).toThrow(
    'n1 takes 9@1 for a winner, where term 2 was applied',
  );
});
