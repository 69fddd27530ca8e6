import type { Effect, Input } from '@holdfast/core';
import { nodeId, type Position, type Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { StatedAges } from '../../src/oracles/stated-ages.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const n2 = { node: nodeId('n2'), number: 1 };
const tick: Input = { kind: 'tick' };
let oracle: StatedAges;

beforeEach(() => {
  oracle = new StatedAges({ slowest: 1, fastest: 1 });
});

const at = (index: number, term = 1) => ({ index, term }) as Position;
const survived = () => 1 as Term;

function acknowledge(now: number, position: Position): void {
  const reply = { kind: 'reply', connection: 1, replies: [{ id: 1, kind: 'receipt', receipt: position }] };
  oracle.onStep(n1, { input: tick, effects: [reply as unknown as Effect] }, position, now);
}

function readsAt(
  now: number,
  read: { applied: number; ageMs: number; consistency?: string; maxStalenessMs?: number },
): void {
  const { applied, ageMs, consistency = 'eventual', maxStalenessMs } = read;
  const input = { kind: 'read', reads: [{ id: 5, consistency, maxStalenessMs }] } as unknown as Input;
  const serve = { kind: 'serve', reads: [{ id: 5, revision: 1, stalenessMs: ageMs }] } as unknown as Effect;
  oracle.onStep(n2, { input, effects: [serve] }, at(applied), now);
}

test('a state that has what was acknowledged before the age it states', () => {
  acknowledge(100, at(1));
  acknowledge(200, at(2));
  acknowledge(300, at(3));
  readsAt(400, { applied: 2, ageMs: 150 });
  readsAt(400, { applied: 3, ageMs: 0 });
  readsAt(400, { applied: 1, ageMs: 250 });
  expect(oracle.check(survived)).toBe(3);
});

test('one that lacks some of it is caught', () => {
  acknowledge(100, at(1));
  acknowledge(200, at(2));
  readsAt(400, { applied: 1, ageMs: 150 });
  expect(() => oracle.check(survived)).toThrow(
    'n2 said at 400 that its state up to 1 was 150.0 ms old; 2 had been acknowledged before',
  );
});

test('what was acknowledged out of order counts as well', () => {
  acknowledge(100, at(5));
  acknowledge(200, at(2));
  readsAt(400, { applied: 4, ageMs: 150 });
  expect(() => oracle.check(survived)).toThrow('5 had been acknowledged before');
});

test('what a failover took back is not missed', () => {
  acknowledge(200, at(2, 1));
  readsAt(400, { applied: 1, ageMs: 100 });
  expect(oracle.check(() => 2 as Term)).toBe(1);
});

test('an unknown age states nothing, nor does a read at another consistency', () => {
  acknowledge(100, at(9));
  readsAt(400, { applied: 1, ageMs: -1 });
  readsAt(400, { applied: 1, ageMs: 0, consistency: 'session' });
  expect(oracle.check(survived)).toBe(0);
});

test('an age of a slow clock may be longer', () => {
  oracle = new StatedAges({ slowest: 0.9, fastest: 1 });
  acknowledge(295, at(2));
  readsAt(400, { applied: 1, ageMs: 100 });
  expect(oracle.check(survived)).toBe(1);
});

test.each([-1, 51])('an age of %d ms where 50 was the most is caught', (ageMs) => {
  readsAt(400, { applied: 1, ageMs: 50, maxStalenessMs: 50 });
  expect(() => readsAt(400, { applied: 1, ageMs, maxStalenessMs: 50 })).toThrow('50 was the most');
});
