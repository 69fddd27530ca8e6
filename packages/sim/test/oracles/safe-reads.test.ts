import type { Effect, Input } from '@holdfast/core';
import { nodeId, type Position } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { SafeReads } from '../../src/oracles/safe-reads.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const applied = { index: 7, term: 2 } as Position;
const tick: Input = { kind: 'tick' };
let isSafe: boolean;
let oracle: SafeReads;

beforeEach(() => {
  isSafe = true;
  oracle = new SafeReads({ isSafe: () => isSafe });
  oracle.onRecovered(n1);
});

const read = (id: number, consistency: string): Input =>
  ({ kind: 'read', reads: [{ id, consistency }] }) as unknown as Input;
const serve = (id: number, overlay?: readonly unknown[]): Effect =>
  ({ kind: 'serve', reads: [{ id, revision: 1, stalenessMs: 0, overlay }] }) as unknown as Effect;

test('a linearizable read of what a majority has durable', () => {
  oracle.onStep(n1, read(1, 'linearizable'), [], applied);
  oracle.onStep(n1, tick, [serve(1)], applied);
});

test('one of what no majority has durable is caught', () => {
  oracle.onStep(n1, read(1, 'linearizable'), [], applied);
  isSafe = false;
  expect(() => oracle.onStep(n1, tick, [serve(1)], applied)).toThrow(
    'n1 serves a linearizable read from 7@2, which no majority has durable',
  );
});

test('one of what is not applied is caught', () => {
  expect(() => oracle.onStep(n1, read(1, 'linearizable'), [serve(1, [undefined])], applied)).toThrow(
    'what is not applied yet',
  );
});

test('reads at other consistencies, given up or refused ones, and those of an earlier run are not held to it', () => {
  isSafe = false;
  oracle.onStep(n1, read(1, 'session'), [serve(1, [undefined])], applied);
  oracle.onStep(n1, read(2, 'eventual'), [serve(2)], applied);
  oracle.onStep(n1, read(3, 'linearizable'), [], applied);
  oracle.onStep(n1, { kind: 'cancelRead', id: 3 }, [serve(3)], applied);
  const refuse = { kind: 'refuseReads', reads: [{ id: 4 }] } as unknown as Effect;
  oracle.onStep(n1, read(4, 'linearizable'), [refuse], applied);
  oracle.onStep(n1, tick, [serve(4)], applied);
  oracle.onStep(n1, read(5, 'linearizable'), [], applied);
  oracle.onRecovered({ ...n1, number: 2 });
  oracle.onStep({ ...n1, number: 2 }, tick, [serve(5)], applied);
});
