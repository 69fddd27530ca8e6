import {
  type Condition,
  keyText,
  LIMITS,
  type Mutation,
  type Operation,
  type Revision,
  type WriteResult,
} from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CurrentRecord, Evaluation } from '../../src/state/evaluation.ts';
import { evaluate, isConditional, keysToFetch, validateRequest } from '../../src/state/evaluator.ts';
import { check } from '../support/property.ts';

interface Request {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  readonly otherwise: readonly Operation[];
}

type OfTransaction = Extract<WriteResult, { kind: 'transaction' }>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array): string => Buffer.from(value).toString();
const revision = (value: number): Revision => value as Revision;
const put = (key: string, value: string): Operation => ({
  kind: 'put',
  key: bytes(key),
  value: bytes(value),
});
const del = (key: string): Operation => ({ kind: 'del', key: bytes(key) });
const get = (key: string): Operation => ({ kind: 'get', key: bytes(key) });
const increment = (key: string, by: number): Operation => ({ kind: 'increment', key: bytes(key), by });
const there: Condition = { kind: 'present', key: bytes('x') };

function run(request: Partial<Request>, records: Record<string, [number, string]> = {}): Evaluation {
  const full = { conditions: [], operations: [], otherwise: [], ...request };
  expect(validateRequest(full)).toBeUndefined();
  const lookup = (key: Uint8Array): CurrentRecord | undefined => {
    const found = records[keyText(key)];
    return found === undefined ? undefined : { revision: revision(found[0]), value: bytes(found[1]) };
  };
  return evaluate(full, lookup, { nextRevision: revision(101), lastRevision: revision(100), logTime: 1000 });
}

describe('a transaction', () => {
  test('runs the branch that its conditions choose, and says which', () => {
    const branches = { operations: [put('a', 'then')], otherwise: [del('b'), del('c')] };
    expect(run({ conditions: [there], ...branches }, { x: [7, ''] })).toEqual({
      mutations: [put('a', 'then')],
      result: {
        kind: 'transaction',
        branch: 'then',
        steps: [{ kind: 'changed', revision: 101 }],
        revision: 101,
      },
    });
    expect(run({ conditions: [there], ...branches }).result).toEqual({
      kind: 'transaction',
      branch: 'else',
      steps: [
        { kind: 'changed', revision: 101 },
        { kind: 'changed', revision: 102 },
      ],
      revision: 102,
    });
  });

  test('each step sees what those before it did', () => {
    const operations = [
      get('n'),
      put('n', '1'),
      increment('n', 4),
      get('n'),
      del('n'),
      get('n'),
      increment('n', -2),
    ];
    const { mutations, result } = run({ operations }, { n: [9, 'old'] });
    expect((result as OfTransaction).steps).toEqual([
      { kind: 'found', value: bytes('old'), revision: 9 },
      { kind: 'changed', revision: 101 },
      { kind: 'counter', value: 5, revision: 102 },
      { kind: 'found', value: bytes('5'), revision: 102 },
      { kind: 'changed', revision: 103 },
      { kind: 'missing' },
      { kind: 'counter', value: -2, revision: 104 },
    ]);
    expect(mutations).toEqual([put('n', '1'), put('n', '5'), del('n'), put('n', '-2')]);
  });

  test('that changes nothing has the revision of the state it read', () => {
    const { mutations, result } = run({ operations: [get('a')] });
    expect(mutations).toEqual([]);
    expect(result).toEqual({
      kind: 'transaction',
      branch: 'then',
      steps: [{ kind: 'missing' }],
      revision: 100,
    });
  });

  test('a step that cannot be done undoes the whole branch', () => {
    const operations = [put('a', 'x'), increment('n', 1), put('b', 'x')];
    const outcome = run({ operations }, { n: [9, 'word'] });
    expect(outcome).toEqual({ mutations: [], result: { kind: 'notAnInteger', revision: 9 } });
    const own = run({ operations: [put('n', 'word'), increment('n', 1)] });
    expect(own).toEqual({ mutations: [], result: { kind: 'notAnInteger', revision: 0 } });
  });

  test('gets that nobody could keep undo it, too', () => {
    const half = 'x'.repeat(LIMITS.transactionResultBytesMax / 2);
    const operations = [put('a', 'x'), get('big'), get('big')];
    expect(run({ operations }, { big: [9, half] })).toEqual({
      mutations: [],
      result: { kind: 'resultTooLarge', revision: 100 },
    });
    expect(run({ operations: operations.slice(0, 2) }, { big: [9, half] }).result.kind).toBe('transaction');
  });

  test('is decided by what was there, so it is conditional even without conditions', () => {
    expect(isConditional({ conditions: [], operations: [put('a', '1')], otherwise: [] })).toBe(true);
  });

  test('is refused beyond its limits, and a get outside it', () => {
    const many = Array.from({ length: LIMITS.stepsPerBranchMax + 1 }, () => get('a'));
    const code = (request: Partial<Request>) =>
      validateRequest({ conditions: [], operations: [], ...request })?.code;
    expect(code({ operations: many, otherwise: [] })).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    expect(code({ otherwise: many })).toBe('HOLDFAST_REQUEST_TOO_LARGE');
    expect(code({ operations: [get('a')] })).toBe('HOLDFAST_INVALID_ARGUMENT');
    expect(code({ otherwise: [increment('a', 0.5)] })).toBe('HOLDFAST_INVALID_ARGUMENT');
    const long: Condition = {
      kind: 'value',
      key: bytes('a'),
      value: new Uint8Array(LIMITS.valueBytesMax + 1),
    };
    expect(code({ conditions: [long], otherwise: [] })).toBe('HOLDFAST_VALUE_TOO_LARGE');
  });
});

/** The plainest database there is: values as text, a copy for each transaction. */
class NaiveDatabase {
  keys = new Map<string, { revision: number; value: string }>();
  revision = 0;

  transact(request: Request): unknown {
    const holds = request.conditions.every((condition) => {
      const found = this.keys.get(textOf(condition.key));
      if (condition.kind === 'absent') return found === undefined;
      if (condition.kind === 'present') return found !== undefined;
      if (condition.kind === 'value') return found?.value === textOf(condition.value);
      const at = found?.revision ?? 0;
      return condition.kind === 'revision' ? at === condition.revision : at <= condition.revision;
    });
    const before = { keys: new Map(this.keys), revision: this.revision };
    const steps: unknown[] = [];
    for (const step of holds ? request.operations : request.otherwise) {
      const key = textOf(step.key);
      const found = this.keys.get(key);
      if (step.kind === 'get') {
        steps.push(found ?? 'missing');
        continue;
      }
      let value = '';
      if (step.kind === 'put') value = textOf(step.value);
      if (step.kind === 'increment') {
        const text = found?.value ?? '0';
        const canonical = /^-?[0-9]+$/.test(text) && String(BigInt(text)) === text;
        const sum = canonical ? BigInt(text) + BigInt(step.by) : undefined;
        const safe = sum !== undefined && sum <= 9007199254740991n && sum >= -9007199254740991n;
        if (!safe) {
          Object.assign(this, before);
          // Of the state before: what the branch did to it never happened.
          return { notAnInteger: this.keys.get(key)?.revision ?? 0 };
        }
        value = String(sum);
      }
      this.revision += 1;
      if (step.kind === 'del') this.keys.delete(key);
      else this.keys.set(key, { revision: this.revision, value });
      steps.push(step.kind === 'increment' ? { counter: value, revision: this.revision } : this.revision);
    }
    return { branch: holds ? 'then' : 'else', steps, revision: this.revision };
  }
}

function plain({ result }: Evaluation): unknown {
  if (result.kind === 'notAnInteger') return { notAnInteger: result.revision };
  if (result.kind !== 'transaction') return result;
  const steps = result.steps.map((step): unknown => {
    if (step.kind === 'missing') return 'missing';
    if (step.kind === 'found') return { revision: step.revision, value: textOf(step.value) };
    return step.kind === 'counter' ? { counter: `${step.value}`, revision: step.revision } : step.revision;
  });
  return { branch: result.branch, steps, revision: result.revision };
}

function apply(records: Map<string, CurrentRecord>, mutations: readonly Mutation[], from: number): number {
  let last = from;
  for (const mutation of mutations) {
    last += 1;
    if (mutation.kind === 'del') records.delete(keyText(mutation.key));
    else records.set(keyText(mutation.key), { revision: revision(last), value: mutation.value });
  }
  return last;
}

test('agrees with a naive database over whole histories', () => {
  const key = fc.constantFrom('', 'a', 'b').map(bytes);
  const value = fc.constantFrom('', '0', '-7', '12', '9007199254740991', 'word', '-0').map(bytes);
  const kind = <Kind extends string>(name: Kind) => fc.constant(name);
  const condition: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({ kind: fc.constantFrom('absent' as const, 'present' as const), key }),
    fc.record({ kind: kind('value'), key, value }),
    fc.record({
      kind: fc.constantFrom('revision' as const, 'atMost' as const),
      key,
      revision: fc.nat(30).map(revision),
    }),
  );
  const by = fc.oneof(
    fc.integer({ min: -9, max: 9 }),
    fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  );
  const step: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({ kind: kind('put'), key, value }),
    fc.record({ kind: kind('del'), key }),
    fc.record({ kind: kind('get'), key }),
    fc.record({ kind: kind('increment'), key, by }),
  );
  const steps = fc.array(step, { maxLength: 4 });
  const conditions = fc.array(condition, { maxLength: 2 });
  const transaction = fc.record({ conditions, operations: steps, otherwise: steps });
  check(
    fc.property(fc.array(transaction, { maxLength: 20 }), (transactions) => {
      const model = new NaiveDatabase();
      const real = new Map<string, CurrentRecord>();
      let last = 0;
      for (const request of transactions) {
        expect(validateRequest(request)).toBeUndefined();
        const fetched = new Map(keysToFetch(request).map((one) => [keyText(one), real.get(keyText(one))]));
        const outcome = evaluate(
          request,
          (wanted) => {
            expect(fetched.has(keyText(wanted)), 'looks only at what was fetched').toBe(true);
            return fetched.get(keyText(wanted));
          },
          { nextRevision: revision(last + 1), lastRevision: revision(last), logTime: 0 },
        );
        last = apply(real, outcome.mutations, last);
        expect(plain(outcome)).toEqual(model.transact(request));
        expect(last).toBe(model.revision);
      }
      const left = [...real].map(([name, found]) => [
        Buffer.from(name, 'latin1').toString(),
        { revision: found.revision as number, value: textOf(found.value) },
      ]);
      expect(Object.fromEntries(left)).toEqual(Object.fromEntries(model.keys));
    }),
    400,
  );
});
