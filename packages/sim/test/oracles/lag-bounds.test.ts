import type { Effect } from '@holdfast/core';
import { type Entry, nodeId } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { LagBounds, type LagOfCore } from '../../src/oracles/lag-bounds.ts';
import { entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
let oracle: LagBounds;

beforeEach(() => {
  oracle = new LagBounds({ slowest: 1, fastest: 1 });
});

function coreOf(commit: number, role = 'primary', term = 1): LagOfCore {
  const limits = { asyncLagBytesMax: 100, asyncLagMsMax: 50 };
  const timing = { persistStallMaxMs: 20, electionTimeoutMs: 10 };
  return { context: { role, term, commit, config: { limits, timing } } } as unknown as LagOfCore;
}

/** One write with a key of one byte, and a value that makes it so many bytes. */
function logs(index: number, ack: 'local' | 'quorum', bytes: number, term = 1): Effect {
  const entry = entryOf({ index, term, revision: index, changes: [['k', 'v'.repeat(bytes - 1)]] });
  const { body } = entry;
  const requests = body.kind === 'requests' ? body.requests.map((request) => ({ ...request, ack })) : [];
  const entries = [{ ...entry, body: { kind: 'requests', requests } } as Entry];
  return { kind: 'persist', order: { record: { kind: 'entries', entries } } } as unknown as Effect;
}

const acknowledges = (ack: string): Effect =>
  ({
    kind: 'reply',
    connection: 1,
    replies: [{ id: 1, kind: 'receipt', receipt: { ack } }],
  }) as unknown as Effect;

test('writes up to the bound, and the one that reaches it, whatever else is logged', () => {
  oracle.onStep(n1, [logs(1, 'local', 60), logs(2, 'quorum', 500), logs(3, 'local', 40)], coreOf(0), 0);
  oracle.onStep(n1, [logs(4, 'local', 90)], coreOf(0), 1);
});

test('one more is caught', () => {
  oracle.onStep(n1, [logs(1, 'local', 60), logs(2, 'local', 60)], coreOf(0), 0);
  expect(() => oracle.onStep(n1, [logs(3, 'local', 2)], coreOf(0), 1)).toThrow(
    'n1 has taken a local write over 120 bytes that a failover could lose; 100 at most',
  );
});

test('what is committed makes room', () => {
  oracle.onStep(n1, [logs(1, 'local', 90), logs(2, 'local', 90)], coreOf(0), 0);
  oracle.onStep(n1, [logs(3, 'local', 90)], coreOf(2), 1);
});

test('a new office begins with nothing, and what a standby logs is not its own', () => {
  oracle.onStep(n1, [logs(1, 'local', 90), logs(2, 'local', 90)], coreOf(0), 0);
  oracle.onStep(
    n1,
    [logs(3, 'local', 90), logs(4, 'local', 90), logs(5, 'local', 90)],
    coreOf(0, 'standby'),
    1,
  );
  oracle.onStep(n1, [logs(6, 'local', 90, 3), logs(7, 'local', 90, 3)], coreOf(0, 'primary', 3), 2);
});

test('an acknowledgement far behind what is not committed is caught, one at quorum is not', () => {
  oracle.onStep(n1, [logs(1, 'local', 10)], coreOf(0), 0);
  oracle.onStep(n1, [acknowledges('local')], coreOf(0), 100);
  oracle.onStep(n1, [acknowledges('quorum')], coreOf(0), 200);
  expect(() => oracle.onStep(n1, [acknowledges('local')], coreOf(0), 200)).toThrow(
    'n1 acknowledges at local 200 ms behind 1, which is not committed; 101 at most',
  );
  oracle.onStep(n1, [acknowledges('local')], coreOf(1), 201);
});
