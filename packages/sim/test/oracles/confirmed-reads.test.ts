import type { Effect, Input } from '@holdfast/core';
import { type LogIndex, nodeId, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { ConfirmedReads, type ReadingCore } from '../../src/oracles/confirmed-reads.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = nodeId('n2');
const n3 = nodeId('n3');
const tick: Input = { kind: 'tick' };
let oracle: ConfirmedReads;

beforeEach(() => {
  oracle = new ConfirmedReads(3);
});

/** `reached`: term of what is committed and applied. */
function primary(reached = 2): ReadingCore {
  return {
    office: {},
    context: { term: 2 as Term, commit: 7 as LogIndex, log: { termAt: () => reached as Term } },
    applier: { applied: { index: 7 as LogIndex, term: reached as Term } },
  };
}

const read = (id: number, consistency = 'linearizable'): Input =>
  ({ kind: 'read', reads: [{ id, consistency }] }) as unknown as Input;
const serve = (id: number): Effect => ({ kind: 'serve', reads: [{ id }] }) as unknown as Effect;
const begins = (round: number): Effect =>
  ({ kind: 'send', to: n2, message: { kind: 'heartbeat', round } }) as unknown as Effect;
const answers = (round: number, term = 2): Input =>
  ({ kind: 'message', from: n2, message: { kind: 'heartbeatReply', term, round } }) as unknown as Input;
const asks = (id: number): Input =>
  ({ kind: 'message', from: n3, message: { kind: 'readIndex', id } }) as unknown as Input;
const tells = (id: number, index?: number): Effect =>
  ({ kind: 'send', to: n3, message: { kind: 'readIndexReply', id, index } }) as unknown as Effect;

test('a read is answered once a majority has answered a round of after it', () => {
  oracle.onStep(n1, read(1), [begins(1)], primary());
  oracle.onStep(n1, answers(1), [serve(1)], primary());
  oracle.onStep(n1, asks(1), [begins(2)], primary());
  oracle.onStep(n1, answers(2), [tells(1, 7)], primary());
});

test.each<[string, (id: number) => Input, (id: number) => Effect]>([
  ['a read', read, serve],
  ['a read index', asks, (id) => tells(id, 7)],
])('%s that no round confirms, or one of before it, is caught', (_, asked, answered) => {
  const says = 'n1 answers a linearizable read of term 2: 1 of 2 were asked since it came';
  expect(() => oracle.onStep(n1, asked(1), [answered(1)], primary())).toThrow(says);
  oracle.onStep(n1, tick, [begins(1)], primary());
  oracle.onStep(n1, asked(2), [], primary());
  expect(() => oracle.onStep(n1, answers(1), [answered(2)], primary())).toThrow(says);
  oracle.onStep(n1, asked(3), [begins(2)], primary());
  expect(() => oracle.onStep(n1, answers(2, 1), [answered(3)], primary())).toThrow(says);
});

test.each<[string, (id: number) => Input, (id: number) => Effect]>([
  ['a read', read, serve],
  ['a read index', asks, (id) => tells(id, 7)],
])('%s before anything of the own term is committed is caught', (_, asked, answered) => {
  oracle.onStep(n1, asked(1), [begins(1)], primary());
  expect(() => oracle.onStep(n1, answers(1), [answered(1)], primary(1))).toThrow(
    'n1 answers a linearizable read in term 2 from what was committed in term 1',
  );
});

test('reads at other consistencies, refused ones, repeats and those of who is no primary are not held to it', () => {
  oracle.onStep(n1, read(1, 'session'), [serve(1)], primary());
  oracle.onStep(n1, asks(1), [tells(1)], primary());
  oracle.onStep(n1, asks(2), [begins(1)], primary());
  oracle.onStep(n1, asks(2), [], primary());
  oracle.onStep(n1, answers(1), [tells(2, 7)], primary());
  oracle.onStep(n1, tick, [tells(2, 7)], primary());
  oracle.onStep(n1, read(3), [], { ...primary(), office: undefined });
  oracle.onStep(n1, tick, [serve(3)], primary());
});
