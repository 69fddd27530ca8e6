import type { Effect, RecoveredState } from '@holdfast/core';
import { type LogIndex, nodeId, type SessionId, type SessionRecord } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { ReplicatedSessions } from '../../src/oracles/replicated-sessions.ts';
import { applyOf, entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const recordOf = (floor: number): SessionRecord => ({
  id: '1.1.0' as SessionId,
  floor,
  usedAt: 1,
  runs: [],
});
let oracle: ReplicatedSessions;

/** Applies entries up to `last`, each of which writes under the one session. */
function applies(last: number, sessions: readonly SessionRecord[]): Effect {
  const entries = Array.from({ length: last }, (_, place) =>
    entryOf({ index: place + 1, revision: place + 1, changes: [] }),
  );
  return { ...(applyOf(...entries) as Extract<Effect, { kind: 'apply' }>), sessions };
}

function recovered(applied: number): RecoveredState {
  return { store: { applied: { index: applied as LogIndex, term: 1 } } } as unknown as RecoveredState;
}

beforeEach(() => {
  oracle = new ReplicatedSessions();
  for (const boot of [n1, n2]) oracle.onRecovered(boot, recovered(0));
});

test('nodes that hold the same of a session after the same entry are as they should be', () => {
  oracle.onEffect(n1, applies(2, [recordOf(1)]));
  oracle.onEffect(n2, applies(1, [recordOf(0)]));
  const { id, ...rest } = recordOf(1);
  oracle.onEffect(n2, applies(2, [{ ...rest, id }]));
});

test.each<[string, readonly SessionRecord[], string]>([
  ['something else', [recordOf(0)], 'and n2 (run 1) {"floor":0,"id":"1.1.0"'],
  ['nothing', [], 'of session 1.1.0, and n2 (run 1) nothing'],
])('one that holds %s is caught', (_, sessions, message) => {
  oracle.onEffect(n1, applies(2, [recordOf(1)]));
  expect(() => oracle.onEffect(n2, applies(2, sessions))).toThrow(message);
});

test('what a restart repeats over newer records is not judged', () => {
  oracle.onEffect(n1, applies(2, [recordOf(1)]));
  oracle.onRecovered({ ...n2, number: 2 }, recovered(2));
  oracle.onEffect(n2, applies(2, [recordOf(2)]));
  expect(() => oracle.onEffect(n1, applies(2, [recordOf(2)]))).toThrow('replicated sessions');
});
