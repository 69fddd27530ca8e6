import type { Effect } from '@holdfast/core';
import { nodeId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { LiveOffices } from '../../src/oracles/live-offices.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const primary = (term: number): Effect => ({
  kind: 'notice',
  notice: { kind: 'role', role: 'primary', term: term as Term, reason: 'elected' },
});
const reply = (kind: string): Effect =>
  ({ kind: 'reply', connection: 1, replies: [{ id: 1, kind }] }) as unknown as Effect;
let oracle: LiveOffices;

beforeEach(() => {
  oracle = new LiveOffices({ electionTimeoutMs: 100, rates: { slowest: 1, fastest: 1 } });
  oracle.onEffect(n1, primary(1), 0);
  oracle.onEffect(n2, primary(2), 1000);
});

test('a primary may acknowledge for an election timeout after another was elected', () => {
  oracle.onEffect(n1, reply('receipt'), 1101);
  oracle.onEffect(n2, reply('receipt'), 5000);
});

test('and refuse for ever', () => {
  oracle.onEffect(n1, reply('error'), 5000);
});

test('one that acknowledges later is caught', () => {
  expect(() => oracle.onEffect(n1, reply('receipt'), 1102)).toThrow(
    'live offices: n1, primary of term 1, acknowledges 102 ms after n2 became that of term 2',
  );
});

test('slow clocks have more time, by as much as they may drift', () => {
  const slow = new LiveOffices({ electionTimeoutMs: 100, rates: { slowest: 0.98, fastest: 1 } });
  slow.onEffect(n1, primary(1), 0);
  slow.onEffect(n2, primary(2), 1000);
  slow.onEffect(n1, reply('receipt'), 1103);
  expect(() => slow.onEffect(n1, reply('receipt'), 1104)).toThrow('104 ms after');
});
