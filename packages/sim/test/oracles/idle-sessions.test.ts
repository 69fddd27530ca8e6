import type { Effect, Input } from '@holdfast/core';
import { type Entry, nodeId, type SessionId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { IdleSessions } from '../../src/oracles/idle-sessions.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const SESSION = '1.2.0' as SessionId;
const tick: Input = { kind: 'tick' };
let oracle: IdleSessions;

beforeEach(() => {
  oracle = new IdleSessions({ sessionIdleMs: 100, rates: { slowest: 1, fastest: 1 } });
  oracle.onStep(n1, tick, [role('primary', 1)], 0);
});

const role = (name: 'primary' | 'standby', term: number): Effect => ({
  kind: 'notice',
  notice: { kind: 'role', role: name, term: term as Term, reason: 'told' },
});
const uses: Input = { kind: 'propose', connection: 1, session: SESSION, floor: 0, requests: [] };
function closes(reason: string, term = 1): Effect {
  const requests = [{ kind: 'closeSession', session: SESSION, reason }];
  const entry = { term, body: { kind: 'requests', requests } } as unknown as Entry;
  return { kind: 'persist', order: { record: { kind: 'entries', entries: [entry] } } } as unknown as Effect;
}

test('a session that was idle for long enough may expire', () => {
  oracle.onStep(n1, uses, [], 50);
  oracle.onStep(n1, tick, [closes('expired')], 150);
});

test('one that was used since is caught', () => {
  oracle.onStep(n1, uses, [], 150);
  expect(() => oracle.onStep(n1, tick, [closes('expired')], 200)).toThrow(
    'n1 lets session 1.2.0 expire, 50 ms after it was used or the office began',
  );
});

test('an election gives it all its time again', () => {
  oracle.onStep(n1, tick, [role('standby', 2)], 200);
  oracle.onStep(n1, tick, [role('primary', 3)], 300);
  expect(() => oracle.onStep(n1, tick, [closes('expired', 3)], 350)).toThrow('50 ms after');
});

test('its client may close it, and the entries of others are theirs', () => {
  oracle.onStep(n1, uses, [], 150);
  oracle.onStep(n1, tick, [closes('closed'), closes('evicted')], 160);
  oracle.onStep(n1, tick, [role('standby', 2)], 170);
  oracle.onStep(n1, tick, [closes('expired', 2)], 180);
});

test('a fast clock has had enough of it sooner', () => {
  oracle = new IdleSessions({ sessionIdleMs: 101, rates: { slowest: 0.5, fastest: 2 } });
  oracle.onStep(n1, tick, [role('primary', 1)], 0);
  oracle.onStep(n1, tick, [closes('expired')], 50);
  expect(() => oracle.onStep(n1, tick, [closes('expired')], 49)).toThrow('49 ms after');
});
