import {
  type Condition,
  keyText,
  LIMITS,
  type Operation,
  type Revision,
  type WriteResult,
} from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CurrentRecord } from '../../src/state/evaluation.ts';
import { evaluate, isConditional, keysToFetch, validateRequest } from '../../src/state/evaluator.ts';
import { check } from '../support/property.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const revision = (value: number): Revision => value as Revision;
const put = (key: string, value: string): Operation => ({
  kind: 'put',
  key: bytes(key),
  value: bytes(value),
});
const increment = (key: string, by: number): Operation => ({ kind: 'increment', key: bytes(key), by });

function state(records: Record<string, [number, string]>): (key: Uint8Array) => CurrentRecord | undefined {
  return (key) => {
    const found = records[keyText(key)];
    return found === undefined ? undefined : { revision: revision(found[0]), value: bytes(found[1]) };
  };
}

function run(
  request: { conditions?: Condition[]; operations: Operation[] },
  records: Record<string, [number, string]> = {},
) {
  const lookup = state(records);
  const full = { conditions: request.conditions ?? [], operations: request.operations };
  return evaluate(full, lookup, { nextRevision: revision(101), lastRevision: revision(100), logTime: 0 });
}

describe('conditions', () => {
  const key = bytes('a');
  const cases: [string, Condition, number, boolean][] = [
    ['revision equal', { kind: 'revision', key, revision: revision(7) }, 7, true],
    ['revision other', { kind: 'revision', key, revision: revision(7) }, 8, false],
    ['revision of an absent key', { kind: 'revision', key, revision: revision(7) }, 0, false],
    ['revision 0 of an absent key', { kind: 'revision', key, revision: revision(0) }, 0, true],
    ['absent and absent', { kind: 'absent', key }, 0, true],
    ['absent and there', { kind: 'absent', key }, 1, false],
    ['at most, below', { kind: 'atMost', key, revision: revision(7) }, 6, true],
    ['at most, equal', { kind: 'atMost', key, revision: revision(7) }, 7, true],
    ['at most, above', { kind: 'atMost', key, revision: revision(7) }, 8, false],
    ['at most 0 of an absent key', { kind: 'atMost', key, revision: revision(0) }, 0, true],
    ['at most 0 of a key', { kind: 'atMost', key, revision: revision(0) }, 1, false],
    ['present and there', { kind: 'present', key }, 1, true],
    ['present and absent', { kind: 'present', key }, 0, false],
    ['value equal', { kind: 'value', key, value: bytes('old') }, 7, true],
    ['value other', { kind: 'value', key, value: bytes('olds') }, 7, false],
    ['value of an absent key', { kind: 'value', key, value: bytes('') }, 0, false],
  ];
  test.each(cases)('%s', (_name, condition, current, holds) => {
    const records: Record<string, [number, string]> = current === 0 ? {} : { a: [current, 'old'] };
    const outcome = run({ conditions: [condition], operations: [put('b', 'x')] }, records);
    const expected: WriteResult = holds
      ? { kind: 'written', revision: revision(101) }
      : { kind: 'conflict', condition: 0, revision: revision(current) };
    expect(outcome.result).toEqual(expected);
    expect(outcome.mutations.length).toBe(holds ? 1 : 0);
  });

  test('names the first that fails', () => {
    const conditions: Condition[] = [
      { kind: 'absent', key: bytes('x') },
      { kind: 'revision', key: bytes('a'), revision: revision(4) },
      { kind: 'absent', key: bytes('b') },
    ];
    const outcome = run({ conditions, operations: [put('c', 'x')] }, { a: [5, 'v'], b: [6, 'v'] });
    expect(outcome.result).toEqual({ kind: 'conflict', condition: 1, revision: 5 });
  });
});

describe('increments', () => {
  const cases: [string | undefined, number, number | undefined][] = [
    [undefined, 5, 5],
    ['0', -1, -1],
    ['41', 1, 42],
    ['-3', 3, 0],
    ['9007199254740990', 1, 9007199254740991],
    ['9007199254740991', 1, undefined],
    ['-9007199254740991', -1, undefined],
    ['9007199254740992', -5, undefined],
    ['', 1, undefined],
    ['-0', 1, undefined],
    ['007', 1, undefined],
    ['+7', 1, undefined],
    [' 7', 1, undefined],
    ['7\n', 1, undefined],
    ['1e3', 1, undefined],
    ['1.5', 1, undefined],
    ['0x10', 1, undefined],
    ['12345678901234567890123', 1, undefined],
  ];
  test.each(cases)('%s by %d', (before, by, after) => {
    const outcome = run({ operations: [increment('n', by)] }, before === undefined ? {} : { n: [9, before] });
    if (after === undefined) {
      expect(outcome).toEqual({ mutations: [], result: { kind: 'notAnInteger', revision: 9 } });
    } else {
      expect(outcome.result).toEqual({ kind: 'counter', value: after, revision: 101 });
      expect(outcome.mutations).toEqual([{ kind: 'put', key: bytes('n'), value: bytes(`${after}`) }]);
    }
  });

  test('zero is never negative', () => {
    const outcome = run({ operations: [increment('n', -0)] });
    expect(Object.is((outcome.result as { value: number }).value, 0)).toBe(true);
  });

  test('beside another operation is a programmer error by then', () => {
    expect(() => run({ operations: [increment('n', 1), put('a', 'b')] })).toThrow('not alone');
    expect(() => run({ operations: [put('a', 'b'), increment('n', 1)] })).toThrow('not alone');
  });
});

test('a write without mutations repeats the newest revision', () => {
  expect(run({ operations: [] })).toEqual({ mutations: [], result: { kind: 'written', revision: 100 } });
});

test('plain writes fetch nothing and share the array that says so', () => {
  const plain = { conditions: [], operations: [put('a', '1'), { kind: 'del' as const, key: bytes('b') }] };
  expect(keysToFetch(plain)).toHaveLength(0);
  expect(keysToFetch(plain)).toBe(keysToFetch({ conditions: [], operations: [] }));
  expect(isConditional(plain)).toBe(false);
});

describe('validateRequest', () => {
  const sized = (length: number): Uint8Array => new Uint8Array(length);
  const code = (operations: Operation[], conditions: Condition[] = []): string | undefined =>
    validateRequest({ operations, conditions })?.code;

  test('takes all that is within the limits, an empty key too', () => {
    expect(code([])).toBeUndefined();
    expect(code([put('', '')])).toBeUndefined();
    expect(
      code([{ kind: 'put', key: sized(LIMITS.keyBytesMax), value: sized(LIMITS.valueBytesMax) }]),
    ).toBeUndefined();
    expect(code([increment('n', -5)])).toBeUndefined();
    expect(code(Array.from({ length: LIMITS.operationsPerRequestMax }, () => put('a', 'b')))).toBeUndefined();
  });

  test('refuses what is beyond them, each with its code', () => {
    const longKey = sized(LIMITS.keyBytesMax + 1);
    const big = { kind: 'put' as const, key: bytes('k'), value: sized(LIMITS.valueBytesMax) };
    const absent: Condition = { kind: 'absent', key: bytes('a') };
    expect(code([{ kind: 'del', key: longKey }])).toBe('HOLDFAST_KEY_TOO_LARGE');
    expect(code([put('a', 'b')], [{ kind: 'absent', key: longKey }])).toBe('HOLDFAST_KEY_TOO_LARGE');
    expect(code([{ ...big, value: sized(LIMITS.valueBytesMax + 1) }])).toBe('HOLDFAST_VALUE_TOO_LARGE');
    expect(code([big, big])).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    const many = Array.from({ length: LIMITS.operationsPerRequestMax + 1 }, () => put('a', 'b'));
    expect(code(many)).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    const conditions = Array.from({ length: LIMITS.conditionsPerRequestMax + 1 }, () => absent);
    expect(code([put('a', 'b')], conditions)).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    expect(code([increment('n', 1), put('a', 'b')])).toBe('HOLDFAST_INVALID_ARGUMENT');
    for (const by of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(code([increment('n', by)])).toBe('HOLDFAST_INVALID_ARGUMENT');
    }
    const error = validateRequest({ operations: many, conditions: [] });
    expect(error).toMatchObject({ outcome: 'not-applied', retryable: false });
  });
});

/** An interpreter written from the documentation, over a plain map of text. */
function naive(
  database: Map<string, { revision: number; value: string }>,
  request: { conditions: readonly Condition[]; operations: readonly Operation[] },
  last: number,
): { result: WriteResult; last: number } {
  const current = (key: Uint8Array) => database.get(Buffer.from(key).toString('hex'));
  for (const [place, condition] of request.conditions.entries()) {
    const found = current(condition.key)?.revision ?? 0;
    const ok =
      (condition.kind === 'revision' && found === condition.revision) ||
      (condition.kind === 'absent' && found === 0) ||
      (condition.kind === 'atMost' && found <= condition.revision);
    if (!ok) return { result: { kind: 'conflict', condition: place, revision: revision(found) }, last };
  }
  let result: WriteResult = { kind: 'written', revision: revision(last) };
  for (const operation of request.operations) {
    const name = Buffer.from(operation.key).toString('hex');
    if (operation.kind === 'increment') {
      const text = current(operation.key)?.value ?? '0';
      const sum = String(Number(text)) === text ? BigInt(text) + BigInt(operation.by) : undefined;
      const safe = sum !== undefined && sum <= 9007199254740991n && sum >= -9007199254740991n;
      if (!safe) {
        return {
          result: { kind: 'notAnInteger', revision: revision(current(operation.key)?.revision ?? 0) },
          last,
        };
      }
      last += 1;
      database.set(name, { revision: last, value: String(sum) });
      return { result: { kind: 'counter', value: Number(sum), revision: revision(last) }, last };
    }
    last += 1;
    if (operation.kind === 'put') {
      database.set(name, { revision: last, value: Buffer.from(operation.value).toString() });
    } else {
      database.delete(name);
    }
    result = { kind: 'written', revision: revision(last) };
  }
  return { result, last };
}

test('agrees with a naive interpreter over whole histories', () => {
  const key = fc.constantFrom('', 'a', 'b', 'c').map(bytes);
  const value = fc.constantFrom('', '0', '-7', '12', '9007199254740991', 'word', '01').map(bytes);
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({ kind: fc.constant('absent' as const), key }),
    fc.record({
      kind: fc.constantFrom('revision' as const, 'atMost' as const),
      key,
      revision: fc.nat(30).map(revision),
    }),
  );
  const plain: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key, value }),
    fc.record({ kind: fc.constant('del' as const), key }),
  );
  const by = fc.oneof(
    fc.integer({ min: -9, max: 9 }),
    fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  );
  const count: fc.Arbitrary<Operation> = fc.record({ kind: fc.constant('increment' as const), key, by });
  const operations = fc.oneof(
    fc.array(plain, { maxLength: 4 }),
    count.map((one) => [one]),
  );
  const request = fc.record({ conditions: fc.array(condition, { maxLength: 2 }), operations });
  check(
    fc.property(fc.array(request, { maxLength: 20 }), (requests) => {
      const model = new Map<string, { revision: number; value: string }>();
      const real = new Map<string, CurrentRecord>();
      let last = 0;
      let modelLast = 0;
      for (const one of requests) {
        expect(validateRequest(one)).toBeUndefined();
        const fetched = new Map(
          keysToFetch(one).map((wanted) => [keyText(wanted), real.get(keyText(wanted))]),
        );
        const outcome = evaluate(
          one,
          (wanted) => {
            expect(fetched.has(keyText(wanted)), 'looks only at what was fetched').toBe(true);
            return fetched.get(keyText(wanted));
          },
          { nextRevision: revision(last + 1), lastRevision: revision(last), logTime: 0 },
        );
        for (const mutation of outcome.mutations) {
          last += 1;
          if (mutation.kind === 'del') real.delete(keyText(mutation.key));
          else real.set(keyText(mutation.key), { revision: revision(last), value: mutation.value });
        }
        const expected = naive(model, one, modelLast);
        modelLast = expected.last;
        expect(outcome.result).toEqual(expected.result);
        expect(last).toBe(modelLast);
      }
      const readable = [...real].map(([name, found]) => [
        Buffer.from(name, 'latin1').toString('hex'),
        { revision: found.revision as number, value: Buffer.from(found.value).toString() },
      ]);
      expect(new Map(readable as [string, { revision: number; value: string }][])).toEqual(model);
    }),
    400,
  );
});
