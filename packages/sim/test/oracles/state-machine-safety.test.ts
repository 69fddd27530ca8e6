import { nodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { StateMachineSafety } from '../../src/oracles/state-machine-safety.ts';
import { applyOf, entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 3 };
const first = entryOf({ index: 1, revision: 1, changes: [['a', '1']] });
const second = entryOf({ index: 2, revision: 2, changes: [['a', '2']] });

test('equal entries, applied by several and again, make one log', () => {
  const oracle = new StateMachineSafety();
  oracle.onEffect(n1, applyOf(first, second));
  oracle.onEffect(n2, applyOf(structuredClone(first)));
  oracle.onEffect(n1, applyOf(second));
  expect([...oracle.winningLog().finalState()]).toEqual([['a', '2']]);
  oracle.checkDigests([
    { node: 'n1', applied: 2, digest: 'x' },
    { node: 'n2', applied: 1, digest: 'y' },
    { node: 'n3', applied: 2, digest: 'x' },
  ]);
});

test('another entry at an applied index is caught, though only its value differs', () => {
  const oracle = new StateMachineSafety();
  oracle.onEffect(n1, applyOf(first));
  const other = entryOf({ index: 1, revision: 1, changes: [['a', '9']] });
  expect(() => oracle.onEffect(n2, applyOf(other))).toThrow(
    'state machine safety: n2 (run 3) applies 1@1 where n1 (run 1) applied 1@1',
  );
});

test('a gap, and an entry that does not follow, are caught', () => {
  const gap = new StateMachineSafety();
  gap.onEffect(n1, applyOf(second));
  expect(() => gap.winningLog()).toThrow('nobody applied 1');
  const break_ = new StateMachineSafety();
  break_.onEffect(
    n1,
    applyOf(first, entryOf({ index: 2, term: 3, previousTerm: 2, revision: 2, changes: [] })),
  );
  expect(() => break_.winningLog()).toThrow('2@3 does not follow 1@1');
});

test('different data at one index are caught', () => {
  const found = [
    { node: 'n1', applied: 2, digest: 'x' },
    { node: 'n2', applied: 2, digest: 'y' },
  ];
  expect(() => new StateMachineSafety().checkDigests(found)).toThrow('n1 and n2 hold different data at 2');
});
