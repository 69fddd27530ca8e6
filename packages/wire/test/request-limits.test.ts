import { type Condition, LIMITS, type Operation, type Revision } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { readProblem, writeProblem } from '../src/index.ts';

const key = new Uint8Array([1]);
const longestKey = new Uint8Array(LIMITS.keyBytesMax);
const longKey = new Uint8Array(LIMITS.keyBytesMax + 1);

function write(
  operations: Operation[],
  conditions: { kind: 'absent'; key: Uint8Array }[] = [],
): string | undefined {
  return writeProblem({ operations, conditions })?.code;
}

function puts(count: number, valueBytes = 0): Operation[] {
  const value = new Uint8Array(valueBytes);
  return Array.from({ length: count }, () => ({ kind: 'put', key, value }));
}

describe('a write request', () => {
  test('of a clear stands alone, with bounds of any length that fits', () => {
    const clear = { gte: longKey, reverse: false, limit: -1, upTo: 1 as Revision };
    const alone = { operations: [], conditions: [], clear };
    expect(writeProblem(alone)).toBeUndefined();
    expect(writeProblem({ ...alone, operations: puts(1) })?.code).toBe('HOLDFAST_INVALID_ARGUMENT');
    const lt = new Uint8Array(LIMITS.requestBytesMax);
    expect(writeProblem({ ...alone, clear: { ...clear, lt } })?.code).toBe('HOLDFAST_REQUEST_TOO_LARGE');
  });

  test('keys and values', () => {
    expect(
      write([{ kind: 'put', key: longestKey, value: new Uint8Array(LIMITS.valueBytesMax) }]),
    ).toBeUndefined();
    expect(write([{ kind: 'del', key: longKey }])).toBe('HOLDFAST_KEY_TOO_LARGE');
    expect(write([{ kind: 'put', key, value: new Uint8Array(LIMITS.valueBytesMax + 1) }])).toBe(
      'HOLDFAST_VALUE_TOO_LARGE',
    );
    expect(write([], [{ kind: 'absent', key: longKey }])).toBe('HOLDFAST_KEY_TOO_LARGE');
  });

  test('counts and the sum of bytes', () => {
    expect(write(puts(LIMITS.operationsPerRequestMax))).toBeUndefined();
    expect(write(puts(LIMITS.operationsPerRequestMax + 1))).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    const conditions = Array.from(
      { length: LIMITS.conditionsPerRequestMax + 1 },
      () => ({ kind: 'absent', key }) as const,
    );
    expect(write([], conditions.slice(1))).toBeUndefined();
    expect(write([], conditions)).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    expect(write(puts(2, LIMITS.requestBytesMax / 2 - 1))).toBeUndefined();
    expect(write(puts(2, LIMITS.requestBytesMax / 2))).toBe('HOLDFAST_REQUEST_TOO_LARGE');
  });

  test('an increment stands alone', () => {
    const increment: Operation = { kind: 'increment', key, by: 1 };
    expect(write([increment])).toBeUndefined();
    expect(write([increment, increment])).toBe('HOLDFAST_INVALID_ARGUMENT');
  });
});

describe('a transaction', () => {
  const get: Operation = { kind: 'get', key };
  const increment: Operation = { kind: 'increment', key, by: 1 };
  const of = (operations: Operation[], otherwise: Operation[], conditions: Condition[] = []) =>
    writeProblem({ operations, otherwise, conditions })?.code;

  test('takes gets and increments among others, in both branches', () => {
    expect(of([get, increment, increment], [increment, get, ...puts(1)])).toBeUndefined();
    expect(write([get])).toBe('HOLDFAST_INVALID_ARGUMENT');
  });

  test('has limits of its own, for each branch', () => {
    const steps = (count: number) => Array.from({ length: count }, () => get);
    expect(of(steps(LIMITS.stepsPerBranchMax), steps(LIMITS.stepsPerBranchMax))).toBeUndefined();
    expect(of(steps(LIMITS.stepsPerBranchMax + 1), [])).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    expect(of([], steps(LIMITS.stepsPerBranchMax + 1))).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    expect(of([], [{ kind: 'get', key: longKey }])).toBe('HOLDFAST_KEY_TOO_LARGE');
    const half = LIMITS.requestBytesMax / 2;
    expect(of(puts(1, half - 2), puts(1, half - 2))).toBeUndefined();
    expect(of(puts(1, half), puts(1, half))).toBe('HOLDFAST_REQUEST_TOO_LARGE');
  });

  test('the values that conditions compare with count, too', () => {
    const is = (bytes: number): Condition => ({ kind: 'value', key, value: new Uint8Array(bytes) });
    expect(of([], [], [is(LIMITS.valueBytesMax)])).toBeUndefined();
    expect(of([], [], [is(LIMITS.valueBytesMax + 1)])).toBe('HOLDFAST_VALUE_TOO_LARGE');
    expect(of([], [], [is(LIMITS.valueBytesMax), is(LIMITS.valueBytesMax)])).toBe(
      'HOLDFAST_REQUEST_TOO_LARGE',
    );
  });
});

test('a read request', () => {
  const read = (keys: Uint8Array[]): string | undefined => readProblem({ keys })?.code;
  expect(read(Array.from({ length: LIMITS.keysPerReadMax }, () => key))).toBeUndefined();
  // More would not fit into a frame, which is the end of its connection.
  const longest = Array.from({ length: LIMITS.requestBytesMax / LIMITS.keyBytesMax }, () => longestKey);
  expect(read(longest)).toBeUndefined();
  expect(read([...longest, key])).toBe('HOLDFAST_REQUEST_TOO_LARGE');
  expect(read(Array.from({ length: LIMITS.keysPerReadMax + 1 }, () => key))).toBe(
    'HOLDFAST_REQUEST_TOO_LARGE',
  );
  expect(read([key, longKey])).toBe('HOLDFAST_KEY_TOO_LARGE');
});
