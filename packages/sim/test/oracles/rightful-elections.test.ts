import type { Effect, Input } from '@holdfast/core';
import { type NodeId, nodeId, type PeerMessage, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { RightfulElections, type VoterView } from '../../src/oracles/rightful-elections.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const n3 = { node: nodeId('n3'), number: 1 };
const stands = (term: number): Effect => ({
  kind: 'notice',
  notice: { kind: 'election', term: term as Term, reason: 'pre-vote won' },
});
const send = (to: NodeId, message: object): Effect => ({ kind: 'send', to, message: message as PeerMessage });
const wouldVote = (to: NodeId, term: number): Effect =>
  send(to, { kind: 'preVoteReply', term, granted: true, reason: 'granted' });
const votes = (to: NodeId, term: number): Effect => send(to, { kind: 'voteReply', term, granted: true });
const takesOffice = (term: number): Effect => ({
  kind: 'notice',
  notice: { kind: 'role', role: 'primary', term: term as Term, reason: 'elected by a majority' },
});
let oracle: RightfulElections;

beforeEach(() => {
  oracle = new RightfulElections(3);
});

test('a node stands that a majority would vote for, or that was ordered to', () => {
  oracle.onEffect(n2, wouldVote(n1.node, 1));
  oracle.onEffect(n1, stands(1));
  oracle.onEffect(n2, votes(n1.node, 1));
  oracle.onEffect(n1, send(n3.node, { kind: 'stand', term: 1, last: { index: 1, term: 1 } }));
  oracle.onEffect(n3, stands(2));
  oracle.onEffect(n2, votes(n3.node, 2));
});

test.each<[string, () => void]>([
  ['nobody', () => {}],
  ['another for another term', () => oracle.onEffect(n2, wouldVote(n1.node, 2))],
  ['another for a third', () => oracle.onEffect(n2, wouldVote(n3.node, 1))],
])('a node that stands with the word of %s is caught', (_, prepare) => {
  prepare();
  expect(() => oracle.onEffect(n1, stands(1))).toThrow('n1 stands in term 1, for which 1 of 2 would vote');
});

test('the same word twice is one', () => {
  oracle = new RightfulElections(5);
  oracle.onEffect(n2, wouldVote(n1.node, 1));
  oracle.onEffect(n2, wouldVote(n1.node, 1));
  expect(() => oracle.onEffect(n1, stands(1))).toThrow('for which 2 of 3 would vote');
});

test('a second vote in a term is caught, after a restart too', () => {
  oracle.onEffect(n3, votes(n1.node, 1));
  oracle.onEffect(n3, votes(n1.node, 1));
  expect(() => oracle.onEffect({ ...n3, number: 2 }, votes(n2.node, 1))).toThrow(
    'n3 votes for n1 and for n2 in term 1',
  );
});

test('who takes office has the votes of a majority', () => {
  oracle.onEffect(n2, votes(n1.node, 1));
  oracle.onEffect(n1, takesOffice(1));
  oracle.onEffect(n2, votes(n3.node, 2));
  expect(() => oracle.onEffect(n1, takesOffice(2))).toThrow('n1 takes office in term 2 with 1 votes of 2');
});

test('a candidate that votes for another is caught', () => {
  oracle.onEffect(n2, wouldVote(n1.node, 1));
  oracle.onEffect(n1, stands(1));
  oracle.onEffect(n1, send(n2.node, { kind: 'vote', term: 1, last: { index: 1, term: 1 } }));
  expect(() => oracle.onEffect(n1, votes(n2.node, 1))).toThrow('n1 votes for n1 and for n2');
});

test('a candidate that died before its own vote left it may vote for another', () => {
  oracle.onEffect(n2, wouldVote(n1.node, 1));
  oracle.onEffect(n1, stands(1));
  oracle.onEffect({ ...n1, number: 2 }, votes(n2.node, 1));
});

test('a vote, or the word for one, that goes to an older log is caught', () => {
  const asks = (kind: 'vote' | 'preVote', index: number, term: number): Input =>
    ({
      kind: 'message',
      from: n2.node,
      message: { kind, term: 3, last: { index, term } },
    }) as unknown as Input;
  const view = (votedFor?: NodeId): VoterView =>
    ({ hardState: { term: 3, votedFor }, log: { last: { index: 7, term: 2 } } }) as unknown as VoterView;
  const persist = { kind: 'persist' } as Effect;
  const says = 'n1 is for n2 in term 3, whose log ends at 9@1, and its own at 7@2';
  oracle.onStep(n1, asks('vote', 7, 2), [persist], view(n2.node));
  oracle.onStep(n1, asks('vote', 9, 1), [persist], view(n3.node));
  oracle.onStep(n1, asks('vote', 6, 2), [], view(n2.node));
  oracle.onStep(n1, asks('preVote', 9, 1), [], view());
  expect(() => oracle.onStep(n1, asks('vote', 9, 1), [persist], view(n2.node))).toThrow(says);
  expect(() => oracle.onStep(n1, asks('preVote', 9, 1), [wouldVote(n2.node, 3)], view())).toThrow(says);
});
