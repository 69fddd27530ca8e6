import type { Effect } from '@holdfast/core';
import { nodeId, type Term } from '@holdfast/types';
import { expect, test } from 'vitest';
import { ElectionSafety } from '../../src/oracles/election-safety.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const primary = (term: number): Effect => ({
  kind: 'notice',
  notice: { kind: 'role', role: 'primary', term: term as Term, reason: 'elected' },
});
const heartbeat = (term: number): Effect => ({
  kind: 'send',
  to: n2.node,
  message: { kind: 'heartbeat', term: term as Term, round: 1, commit: 0 as never, successors: [] },
});

test('one primary a term, and others in other terms, are as they should be', () => {
  const oracle = new ElectionSafety();
  oracle.onEffect(n1, primary(1));
  oracle.onEffect(n1, heartbeat(1));
  oracle.onEffect(n2, primary(2));
  expect(oracle.terms).toBe(2);
});

test.each<[string, () => void]>([
  ['a second node', () => twice(primary(3), n2, primary(3))],
  ['a second node that only speaks as one', () => twice(primary(3), n2, heartbeat(3))],
  ['the same node after a restart', () => twice(primary(3), { ...n1, number: 2 }, heartbeat(3))],
])('%s in a term is caught', (_, violate) => {
  expect(violate).toThrow('election safety: term 3 has two primaries: n1 (run 1)');
});

function twice(first: Effect, other: typeof n1, second: Effect): void {
  const oracle = new ElectionSafety();
  oracle.onEffect(n1, first);
  oracle.onEffect(other, second);
}
