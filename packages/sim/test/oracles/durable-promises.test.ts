import type { Effect, Input, RecoveredState } from '@holdfast/core';
import { type NodeId, nodeId, type PeerMessage, type Ticket } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { DurablePromises } from '../../src/oracles/durable-promises.ts';
import { entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const n3 = { node: nodeId('n3'), number: 1 };
const tick: Input = { kind: 'tick' };
let oracle: DurablePromises;

beforeEach(() => {
  oracle = new DurablePromises(3);
  for (const boot of [n1, n2, n3]) oracle.onRecovered(boot, empty());
});

function empty(): RecoveredState {
  return {
    log: { hardState: { term: 0 }, first: 1, last: { index: 0, term: 0 }, termRuns: [], holes: [] },
  } as unknown as RecoveredState;
}

const persist = (ticket: number, indexes: readonly number[], votedFor?: NodeId, term = 1): Effect =>
  ({
    kind: 'persist',
    order: {
      ticket,
      hardState: { term, votedFor },
      record: {
        kind: 'entries',
        entries: indexes.map((index) => entryOf({ index, term, revision: index, changes: [] })),
      },
    },
  }) as unknown as Effect;
const persisted = (ticket: number): Input => ({ kind: 'persisted', ticket: ticket as Ticket });
const send = (to: NodeId, message: object): Effect => ({ kind: 'send', to, message: message as PeerMessage });
const receipt = (index: number, ack: string, copies: number, term = 1): Effect =>
  ({
    kind: 'reply',
    connection: 1,
    replies: [{ id: 1, kind: 'receipt', receipt: { index, term, ack, copies } }],
  }) as unknown as Effect;

test('what is durable may be promised', () => {
  oracle.onStep(n1, tick, [persist(1, [1, 2], n1.node)]);
  oracle.onStep(n1, persisted(1), [
    send(n2.node, { kind: 'vote', term: 1 }),
    send(n2.node, { kind: 'heartbeat', term: 1 }),
    receipt(2, 'local', 1),
  ]);
  oracle.onStep(n2, tick, [persist(1, [1, 2], n1.node)]);
  oracle.onStep(n2, persisted(1), [
    send(n1.node, { kind: 'voteReply', term: 1, granted: true }),
    send(n1.node, { kind: 'appendMatch', term: 1, match: 2 }),
  ]);
  oracle.onStep(n1, tick, [receipt(2, 'quorum', 2)]);
});

test.each<[string, Effect]>([
  ['stands before its own vote is durable', send(n2.node, { kind: 'vote', term: 1 })],
  ['votes for n2 before that is durable', send(n2.node, { kind: 'voteReply', term: 1, granted: true })],
  ['speaks before that term is durable', send(n2.node, { kind: 'heartbeat', term: 1 })],
  ['answers before that term is durable', send(n2.node, { kind: 'appendMatch', term: 1, match: 0 })],
  ['1@1 at local', receipt(1, 'local', 1)],
])('a node that %s is caught', (message, promise) => {
  expect(() => oracle.onStep(n1, tick, [persist(1, [1], n1.node), promise])).toThrow(message);
});

test('a match above what is durable is caught, also after a truncation', () => {
  oracle.onStep(n1, tick, [persist(1, [1, 2, 3])]);
  const match = send(n2.node, { kind: 'appendMatch', term: 1, match: 3 });
  oracle.onStep(n1, persisted(1), [match]);
  oracle.onStep(n1, tick, [persist(2, [2], undefined, 2)]);
  expect(() => oracle.onStep(n1, persisted(2), [match])).toThrow('answers for 3 and has 2 durable');
});

test.each([
  ['quorum', 1, 'at quorum with 1 copies; 1 are durable'],
  ['local', 2, 'at local with 2 copies; 1 are durable'],
  ['all', 1, 'at all with 1 copies; 1 are durable'],
])('a receipt at %s that claims %i copies is caught when there are fewer', (ack, copies, message) => {
  oracle.onStep(n1, tick, [persist(1, [1])]);
  oracle.onStep(n2, tick, [persist(1, [1])]);
  expect(() => oracle.onStep(n1, persisted(1), [receipt(1, ack, copies)])).toThrow(message);
});

test('another entry at the same index is no copy, and a restart forgets what was not durable', () => {
  oracle.onStep(n1, tick, [persist(1, [1])]);
  oracle.onStep(n1, persisted(1), []);
  oracle.onStep(n2, tick, [persist(1, [1], undefined, 2)]);
  oracle.onStep(n2, persisted(1), []);
  oracle.onStep(n3, tick, [persist(1, [1])]);
  oracle.onRecovered({ ...n3, number: 2 }, empty());
  expect(() => oracle.onStep(n1, tick, [receipt(1, 'quorum', 2)])).toThrow('1 are durable');
});
