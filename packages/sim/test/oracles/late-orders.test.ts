import type { Effect, Input } from '@holdfast/core';
import { nodeId, type PeerMessage, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { LateOrders } from '../../src/oracles/late-orders.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const message = (kind: string): Input => ({
  kind: 'message',
  from: nodeId('n2'),
  message: { kind, term: 1 } as unknown as PeerMessage,
});
const stands: Effect = {
  kind: 'notice',
  notice: { kind: 'election', term: 2 as Term, reason: 'ordered by n2' },
};
let oracle: LateOrders;

beforeEach(() => {
  oracle = new LateOrders({ electionTimeoutMs: 100, rates: { slowest: 1, fastest: 1 } });
});

test('an order is obeyed by who hears its primary', () => {
  oracle.onStep(n1, message('heartbeat'), [], 10);
  oracle.onStep(n1, message('stand'), [stands], 110);
  oracle.onStep(n1, message('append'), [], 120);
  oracle.onStep(n1, message('stand'), [stands], 200);
});

test('an order that comes after silence may be passed over', () => {
  oracle.onStep(n1, message('heartbeat'), [], 10);
  oracle.onStep(n1, message('stand'), [], 1000);
});

test('an order that is obeyed after silence is caught', () => {
  oracle.onStep(n1, message('heartbeat'), [], 10);
  expect(() => oracle.onStep(n1, message('stand'), [stands], 112)).toThrow(
    'n1 obeys an order to stand and has not heard its primary for 102 ms',
  );
});

test('what was heard before a restart does not count', () => {
  oracle.onStep(n1, message('heartbeat'), [], 10);
  oracle.onRecovered(n1);
  oracle.onStep(n1, message('stand'), [stands], 1000);
});
