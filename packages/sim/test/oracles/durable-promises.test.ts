import type { Effect, Input, RecoveredState, Role } from '@holdfast/core';
import {
  type LogIndex,
  type NodeId,
  nodeId,
  type PeerMessage,
  type Term,
  type Ticket,
  type WriteResult,
} from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import { type BeliefView, type CommitView, DurablePromises } from '../../src/oracles/durable-promises.ts';
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
    storeUsable: true,
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
const WRITTEN = { kind: 'written' } as WriteResult;
const CONFLICT = { kind: 'conflict' } as WriteResult;
const receipt = (index: number, ack: string, copies: number, term = 1, result = WRITTEN): Effect =>
  ({
    kind: 'reply',
    connection: 1,
    replies: [{ id: 1, kind: 'receipt', receipt: { index, term, ack, copies, result } }],
  }) as unknown as Effect;

test('a disk that was damaged or replaced holds nothing that anybody knows of, until it is read', () => {
  for (const boot of [n1, n2]) {
    oracle.onStep(boot, tick, [persist(1, [1])]);
    oracle.onStep(boot, persisted(1), []);
  }
  const position = { index: 1 as LogIndex, term: 1 as Term };
  expect(oracle.holders(position)).toStrictEqual([n1.node, n2.node]);
  oracle.damaged(n2.node);
  expect(oracle.holders(position)).toStrictEqual([n1.node]);
});

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

test('a failed condition that is told while only a minority has it is caught, whatever level was asked', () => {
  const told = receipt(1, 'local', 1, 1, CONFLICT);
  oracle.onStep(n1, tick, [persist(1, [1])]);
  expect(() => oracle.onStep(n1, persisted(1), [told])).toThrow('at local with 1 copies; 1 are durable');
  oracle.onStep(n2, tick, [persist(1, [1])]);
  oracle.onStep(n2, persisted(1), []);
  oracle.onStep(n1, tick, [told]);
});

test('what is applied before it is durable there is caught', () => {
  const apply = { kind: 'apply', entries: [{ index: 1, term: 1 }] } as unknown as Effect;
  oracle.onStep(n1, tick, [persist(1, [1])]);
  expect(() => oracle.onStep(n1, tick, [apply])).toThrow('n1 applies 1@1, which is not durable there');
  oracle.onStep(n1, persisted(1), [apply]);
});

test('a match that was said in another term is not to be counted', () => {
  oracle.onStep(n2, tick, [persist(1, [1, 2])]);
  oracle.onStep(n2, persisted(1), [send(n1.node, { kind: 'appendMatch', term: 1, match: 2 })]);
  const count = { peer: n2.node, match: 2 as LogIndex };
  oracle.onCount(n1, { ...count, term: 1 as Term });
  expect(() => oracle.onCount(n1, { ...count, term: 2 as Term })).toThrow('n1 counts 2 for n2 in term 2');
});

describe('A primary', () => {
  const view = (commit: number, term = 1, role: Role = 'primary'): CommitView => ({
    role,
    term: term as Term,
    commit: commit as LogIndex,
  });

  /** Entries of one term on the disk of a node. */
  function holds(boot: typeof n1, ticket: number, indexes: readonly number[], term = 1): void {
    oracle.onStep(boot, tick, [persist(ticket, indexes, undefined, term)]);
    oracle.onStep(boot, persisted(ticket), []);
    oracle.onCommit(boot, view(0, term));
  }

  test('commits what is durable on a majority', () => {
    holds(n1, 1, [1, 2]);
    holds(n2, 1, [1, 2]);
    oracle.onCommit(n1, view(2));
    oracle.onCommit(n3, view(1, 1, 'standby'));
  });

  test.each([[[]], [[1]]])('that commits where another holds %j is caught', (others) => {
    holds(n1, 1, [1, 2]);
    holds(n2, 1, others);
    expect(() => oracle.onCommit(n1, view(2))).toThrow('n1 commits 2 in term 1; 1 have it durable');
  });

  test('that commits an entry of an older term by counting is caught (figure 8)', () => {
    for (const boot of [n1, n2, n3]) holds(boot, 1, [1]);
    holds(n1, 2, [2], 2);
    expect(() => oracle.onCommit(n1, view(1, 2))).toThrow('n1 commits 1 in term 2; 0 have it durable');
  });
});

describe('A disk that is read again', () => {
  const found = (
    last: number,
    log: {
      readonly votedFor?: NodeId;
      readonly holes?: object[];
      readonly exclusion?: string;
      readonly storeUsable?: boolean;
      readonly checkpoint?: number;
    } = {},
  ): RecoveredState => {
    const { votedFor = n1.node, holes = [], exclusion } = log;
    const position = { index: last, term: 1 };
    const termRuns = last === 0 ? [] : [{ index: 1, term: 1 }];
    return {
      log: { hardState: { term: 1, votedFor }, first: 1, last: position, termRuns, holes, exclusion },
      store: { checkpoint: { index: log.checkpoint ?? 0 } },
      storeUsable: log.storeUsable ?? true,
    } as unknown as RecoveredState;
  };
  const again = { ...n1, number: 2 };

  beforeEach(() => {
    oracle.onStep(n1, tick, [persist(1, [1, 2], n1.node)]);
    oracle.onStep(n1, persisted(1), []);
  });

  test('may hold what was durable, and what was on its way', () => {
    oracle.onStep(n1, tick, [persist(2, [3], n1.node)]);
    oracle.onRecovered(again, found(2));
    oracle.onRecovered(again, found(3));
  });

  test('may lack what an order under way replaces', () => {
    oracle.onStep(n1, tick, [persist(2, [2], n1.node)]);
    oracle.onRecovered(again, found(1));
  });

  test.each<[string, RecoveredState, string]>([
    ['an entry', found(1), '2@1 that was durable is not there'],
    ['a vote', found(2, { votedFor: n2.node }), 'the vote for n1 in term 1 that was durable'],
    ['its term', empty(), 'term 1 that was durable'],
    ['nothing and says so', found(2, { exclusion: 'hard-state-lost' }), 'takes a sound log for damaged'],
    ['a part that was never there', found(4, { holes: [{ from: 3, to: 3 }] }), 'takes a sound log'],
  ])('and has lost %s is caught', (_, recovered, message) => {
    expect(() => oracle.onRecovered(again, recovered)).toThrow(message);
  });

  test('may have lost anything once it is damaged', () => {
    oracle.damaged(n1.node);
    oracle.onRecovered(again, empty());
  });

  test('and damaged so that it is told must be found so', () => {
    oracle.damaged(n1.node, { mustTell: true });
    oracle.onRecovered(again, found(1, { holes: [{ from: 2, to: 2 }] }));
    oracle.onStep(n1, tick, [persist(2, [2], n1.node)]);
    oracle.onStep(n1, persisted(2), []);
    oracle.damaged(n1.node, { mustTell: true });
    expect(() => oracle.onRecovered(again, found(1))).toThrow('has lost 2@1 by damage to its log');
  });

  test('may have a hole under its checkpoint, and no other, once its directory has dropped entries', () => {
    const hole = [{ from: 1, to: 1 }];
    const recovered = found(2, { holes: hole, checkpoint: 1 });
    expect(() => oracle.onRecovered(again, recovered)).toThrow('takes a sound log for damaged');
    oracle.entriesDropped(n1.node);
    oracle.onRecovered(again, recovered);
    expect(() => oracle.onRecovered(again, found(2, { holes: hole }))).toThrow(
      'takes a sound log for damaged',
    );
    oracle.storeDamaged(n1.node);
    oracle.onRecovered(again, found(2, { holes: hole, storeUsable: false }));
  });

  test('brings up its store, unless that was damaged', () => {
    const recovered = found(2, { storeUsable: false });
    expect(() => oracle.onRecovered(again, recovered)).toThrow('does not bring up its store');
    oracle.storeDamaged(n1.node);
    oracle.onRecovered(again, recovered);
  });
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

describe('What a core takes for so', () => {
  const belief = (
    durable: number,
    how: { readonly entryTerm?: number; readonly term?: number; readonly votedFor?: NodeId } = {},
  ): BeliefView => ({
    persists: { durable: durable as LogIndex },
    log: { termAt: () => (how.entryTerm ?? 1) as Term },
    hardState: {
      term: (how.term ?? 1) as Term,
      ...(how.votedFor === undefined ? {} : { votedFor: how.votedFor }),
    },
  });

  beforeEach(() => {
    oracle.onStep(n1, tick, [persist(1, [1, 2], n2.node)]);
    oracle.onStep(n1, persisted(1), []);
  });

  test('is so', () => {
    oracle.onBelief(n1, belief(2, { votedFor: n2.node }));
    oracle.onBelief(n1, belief(1, { term: 2 }));
  });

  test.each<[string, BeliefView]>([
    ['n1 takes 3@1 for durable, which is not', belief(3, { votedFor: n2.node })],
    ['n1 takes 2@2 for durable, which is not', belief(2, { entryTerm: 2, term: 2 })],
    ['voted for nobody, and has promised term 1 and its vote to n2', belief(2)],
    ['voted for n3, and has promised term 1', belief(2, { votedFor: n3.node })],
    ['n1 is in term 0', belief(2, { term: 0 })],
  ])('is caught: %s', (says, view) => {
    expect(() => oracle.onBelief(n1, view)).toThrow(says);
  });

  test('is not looked at while a snapshot takes its place', () => {
    const base = { kind: 'base', position: { index: 9, term: 2 }, directory: '/store-2', keepTail: false };
    const install = { kind: 'install', state: { applied: { index: 9, term: 2 } } } as unknown as Effect;
    const order = { ticket: 2, hardState: { term: 1, votedFor: n2.node }, record: base };
    const early = [{ kind: 'persist', order } as unknown as Effect, install];
    expect(() => oracle.onStep(n1, tick, early)).toThrow(
      'n1 puts a snapshot up to 9 in use, and no durable frame names it',
    );
    oracle.onBelief(n1, belief(2, { entryTerm: 2, votedFor: n2.node }));
    oracle.onStep(n1, persisted(2), [install]);
  });
});
