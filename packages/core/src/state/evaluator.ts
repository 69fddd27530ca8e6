import {
  assert,
  assertNever,
  type Condition,
  LIMITS,
  type Mutation,
  type Operation,
  type Revision,
  type WireError,
  type WriteResult,
} from '@holdfast/types';
import { wireError } from '../kernel/wire-errors.ts';

/** What the evaluator needs to see of a request. */
export interface EvaluatedRequest {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
}

/** The newest state of a key: the store under the overlay. */
export interface CurrentRecord {
  readonly revision: Revision;
  readonly value: Uint8Array;
}

export interface Evaluation {
  /** What the entry carries; empty when a condition failed. */
  readonly mutations: readonly Mutation[];
  readonly result: WriteResult;
}

/** Longest decimal form of a safe integer, with its sign. */
const COUNTER_BYTES_MAX = 17;
const COUNTER_PATTERN = /^(?:0|-?[1-9][0-9]*)$/;
const DIGITS = new TextEncoder();
const NO_KEYS: readonly Uint8Array[] = [];
const NO_MUTATIONS: readonly Mutation[] = [];
const ABSENT = 0 as Revision;

/** Keys whose current record decides: those of conditions, then of increments. The same array for every plain write. */
export function keysToFetch(request: EvaluatedRequest): readonly Uint8Array[] {
  if (!isConditional(request)) return NO_KEYS;
  const keys = request.conditions.map((condition) => condition.key);
  for (const operation of request.operations) if (operation.kind === 'increment') keys.push(operation.key);
  return keys;
}

/** Its result depends on what was there before, so it is acknowledged at `quorum` at least. */
export function isConditional(request: EvaluatedRequest): boolean {
  return (
    request.conditions.length > 0 || request.operations.some((operation) => operation.kind === 'increment')
  );
}

/**
 * What a valid request comes to against the newest state. A failed condition is a result too: it is logged, so
 * that nobody is refused for a value that a failover then takes away.
 */
export function evaluate(
  request: EvaluatedRequest,
  lookup: (key: Uint8Array) => CurrentRecord | undefined,
  options: {
    /** The first mutation takes it, the others count up. */
    readonly nextRevision: Revision;
    /** Of the newest mutation before this request. */
    readonly lastRevision: Revision;
  },
): Evaluation {
  const conflict = firstConflict(request.conditions, lookup);
  if (conflict !== undefined) return { mutations: NO_MUTATIONS, result: conflict };
  const first = request.operations[0];
  if (first?.kind === 'increment') {
    assert(request.operations.length === 1, 'evaluate: an increment is not alone');
    return evaluateIncrement(first, lookup(first.key), options.nextRevision);
  }
  const mutations = request.operations.map(asMutation);
  const revision =
    mutations.length === 0 ? options.lastRevision : options.nextRevision + mutations.length - 1;
  return { mutations, result: { kind: 'written', revision: revision as Revision } };
}

/** Why a request can never be taken, or nothing. Touches lengths only, never contents. */
export function validateRequest(request: EvaluatedRequest): WireError | undefined {
  const { conditions, operations } = request;
  if (operations.length > LIMITS.operationsPerRequestMax) {
    const most = LIMITS.operationsPerRequestMax;
    return wireError(
      'HOLDFAST_REQUEST_TOO_LARGE',
      `${operations.length} operations in one write; at most ${most}`,
    );
  }
  if (conditions.length > LIMITS.conditionsPerRequestMax) {
    const most = LIMITS.conditionsPerRequestMax;
    return wireError(
      'HOLDFAST_REQUEST_TOO_LARGE',
      `${conditions.length} conditions on one write; at most ${most}`,
    );
  }
  for (const condition of conditions) {
    if (condition.key.byteLength > LIMITS.keyBytesMax) return keyTooLarge(condition.key);
  }
  let bytes = 0;
  for (const operation of operations) {
    if (operation.key.byteLength > LIMITS.keyBytesMax) return keyTooLarge(operation.key);
    bytes += operation.key.byteLength;
    if (operation.kind === 'put') {
      if (operation.value.byteLength > LIMITS.valueBytesMax) return valueTooLarge(operation.value);
      bytes += operation.value.byteLength;
    } else if (operation.kind === 'increment') {
      if (operations.length > 1) {
        return wireError('HOLDFAST_INVALID_ARGUMENT', 'an increment must be the only operation of its write');
      }
      if (!Number.isSafeInteger(operation.by)) {
        return wireError('HOLDFAST_INVALID_ARGUMENT', `not a safe integer to increment by: ${operation.by}`);
      }
    }
  }
  if (bytes > LIMITS.requestBytesMax) {
    const most = LIMITS.requestBytesMax;
    return wireError(
      'HOLDFAST_REQUEST_TOO_LARGE',
      `${bytes} bytes of keys and values in one write; at most ${most}`,
    );
  }
  return undefined;
}

function firstConflict(
  conditions: readonly Condition[],
  lookup: (key: Uint8Array) => CurrentRecord | undefined,
): WriteResult | undefined {
  for (let place = 0; place < conditions.length; place++) {
    const condition = conditions[place]!;
    const revision = lookup(condition.key)?.revision ?? ABSENT;
    if (!holds(condition, revision)) return { kind: 'conflict', condition: place, revision };
  }
  return undefined;
}

/** `current` is 0 for an absent key. */
function holds(condition: Condition, current: Revision): boolean {
  switch (condition.kind) {
    case 'revision':
      return current === condition.revision;
    case 'absent':
      return current === ABSENT;
    case 'atMost':
      return current <= condition.revision;
    default:
      return assertNever(condition);
  }
}

function evaluateIncrement(
  operation: Extract<Operation, { kind: 'increment' }>,
  current: CurrentRecord | undefined,
  revision: Revision,
): Evaluation {
  const before = current === undefined ? 0 : parseCounter(current.value);
  const after = before === undefined ? undefined : before + operation.by;
  if (after === undefined || !Number.isSafeInteger(after)) {
    return {
      mutations: NO_MUTATIONS,
      result: { kind: 'notAnInteger', revision: current?.revision ?? ABSENT },
    };
  }
  const value = DIGITS.encode(String(after));
  return {
    mutations: [{ kind: 'put', key: operation.key, value }],
    result: { kind: 'counter', value: after, revision },
  };
}

/** A counter is the decimal ASCII of a safe integer in its shortest form: no sign, zero or space to spare. */
function parseCounter(value: Uint8Array): number | undefined {
  if (value.byteLength > COUNTER_BYTES_MAX) return undefined;
  const text = String.fromCharCode.apply(null, value as unknown as number[]);
  if (!COUNTER_PATTERN.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function asMutation(operation: Operation): Mutation {
  assert(operation.kind !== 'increment', 'evaluate: an increment is not alone');
  return operation;
}

function keyTooLarge(key: Uint8Array): WireError {
  return wireError(
    'HOLDFAST_KEY_TOO_LARGE',
    `a key of ${key.byteLength} bytes; at most ${LIMITS.keyBytesMax}`,
  );
}

function valueTooLarge(value: Uint8Array): WireError {
  return wireError(
    'HOLDFAST_VALUE_TOO_LARGE',
    `a value of ${value.byteLength} bytes; at most ${LIMITS.valueBytesMax}`,
  );
}
