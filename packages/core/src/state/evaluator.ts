import {
  assert,
  assertNever,
  boundBytes,
  type Condition,
  LIMITS,
  type Mutation,
  type Operation,
  type RangeClearing,
  type Revision,
  type WireError,
  type WriteResult,
} from '@holdfast/types';
import { wireError } from '../kernel/wire-errors.ts';
import { counted, sumOf } from './counter.ts';
import type { CurrentRecord, Evaluation, EvaluationPoint, Lookup } from './evaluation.ts';
import { putOf } from './expiry.ts';
import { runBranch } from './transaction.ts';

/** What the evaluator needs to see of a request. */
export interface EvaluatedRequest {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  /** Of a transaction: what to do when a condition fails. */
  readonly otherwise?: readonly Operation[];
  /** Then there is nothing else. */
  readonly clear?: RangeClearing;
}

const NO_KEYS: readonly Uint8Array[] = [];
const NO_MUTATIONS: readonly Mutation[] = [];
const NO_STEPS: readonly Operation[] = [];
const ABSENT = 0 as Revision;

/** Keys whose current record decides: those of conditions, then of steps. The same array for every plain write. */
export function keysToFetch(request: EvaluatedRequest): readonly Uint8Array[] {
  if (!isConditional(request)) return NO_KEYS;
  const keys = request.conditions.map((condition) => condition.key);
  for (const steps of [request.operations, request.otherwise ?? []]) {
    for (const step of steps) if (step.kind !== 'put' && step.kind !== 'del') keys.push(step.key);
  }
  return keys;
}

/** Keys whose current record a request would like to know, and can do without: its index place is then left behind. */
export function keysToLookAt({ operations, otherwise }: EvaluatedRequest): readonly Uint8Array[] {
  if (!operations.some(isTimed) && otherwise?.some(isTimed) !== true) return NO_KEYS;
  return [...operations, ...(otherwise ?? [])].filter(isTimed).map(({ key }) => key);
}

function isTimed(step: Operation): boolean {
  return step.kind === 'put' && step.ttlMs !== undefined;
}

/** Its result depends on what was there before, so it is acknowledged at `quorum` at least. */
export function isConditional(request: EvaluatedRequest): boolean {
  return (
    request.conditions.length > 0 ||
    request.otherwise !== undefined ||
    request.operations.some((operation) => operation.kind === 'increment')
  );
}

/**
 * What a valid request comes to against the newest state. A failed condition is a result too: it is logged, so
 * that nobody is refused for a value that a failover then takes away.
 */
export function evaluate(request: EvaluatedRequest, lookup: Lookup, point: EvaluationPoint): Evaluation {
  const conflict = firstConflict(request.conditions, lookup);
  if (request.otherwise !== undefined) {
    return conflict === undefined
      ? runBranch('then', request.operations, lookup, point)
      : runBranch('else', request.otherwise, lookup, point);
  }
  if (conflict !== undefined) return { mutations: NO_MUTATIONS, result: conflict };
  const first = request.operations[0];
  if (first?.kind === 'increment') {
    assert(request.operations.length === 1, 'evaluate: an increment is not alone');
    return evaluateIncrement(first, lookup(first.key), point.nextRevision);
  }
  const mutations = request.operations.map((step) =>
    step.kind === 'put' && step.ttlMs !== undefined ? putOf(step, lookup, point) : asMutation(step),
  );
  const revision = mutations.length === 0 ? point.lastRevision : point.nextRevision + mutations.length - 1;
  return { mutations, result: { kind: 'written', revision: revision as Revision } };
}

/** Why a request can never be taken, or nothing. Touches lengths only, never contents. */
export function validateRequest(request: EvaluatedRequest): WireError | undefined {
  const { conditions, operations, otherwise, clear } = request;
  if (clear !== undefined) return clearProblem(request, clear);
  if (otherwise !== undefined && Math.max(operations.length, otherwise.length) > LIMITS.stepsPerBranchMax) {
    return wireError(
      'HOLDFAST_REQUEST_TOO_LARGE',
      `more than ${LIMITS.stepsPerBranchMax} steps in a branch of a transaction`,
    );
  }
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
  let bytes = 0;
  for (const condition of conditions) {
    if (condition.key.byteLength > LIMITS.keyBytesMax) return keyTooLarge(condition.key);
    if (condition.kind !== 'value') continue;
    if (condition.value.byteLength > LIMITS.valueBytesMax) return valueTooLarge(condition.value);
    bytes += condition.value.byteLength;
  }
  const transaction = otherwise !== undefined;
  for (const step of operations) {
    const problem = stepProblem(step, operations.length, transaction);
    if (problem !== undefined) return problem;
    bytes += stepBytes(step);
  }
  for (const step of otherwise ?? NO_STEPS) {
    const problem = stepProblem(step, otherwise!.length, transaction);
    if (problem !== undefined) return problem;
    bytes += stepBytes(step);
  }
  return bytes > LIMITS.requestBytesMax ? requestTooLarge(bytes) : undefined;
}

function clearProblem(
  { conditions, operations }: EvaluatedRequest,
  clear: RangeClearing,
): WireError | undefined {
  if (conditions.length + operations.length > 0)
    return wireError('HOLDFAST_INVALID_ARGUMENT', 'a clear stands alone in its request');
  const bytes = boundBytes(clear);
  return bytes > LIMITS.requestBytesMax ? requestTooLarge(bytes) : undefined;
}

function stepProblem(step: Operation, steps: number, transaction: boolean): WireError | undefined {
  if (step.key.byteLength > LIMITS.keyBytesMax) return keyTooLarge(step.key);
  switch (step.kind) {
    case 'put':
      if (step.value.byteLength > LIMITS.valueBytesMax) return valueTooLarge(step.value);
      return ttlProblem(step.ttlMs);
    case 'increment':
      if (!transaction && steps > 1)
        return wireError('HOLDFAST_INVALID_ARGUMENT', 'an increment must be the only operation of its write');
      if (Number.isSafeInteger(step.by)) return undefined;
      return wireError('HOLDFAST_INVALID_ARGUMENT', `not a safe integer to increment by: ${step.by}`);
    case 'get':
      return transaction ? undefined : onlyInTransaction(step.kind);
    case 'expire':
      return transaction ? ttlProblem(step.ttlMs) : onlyInTransaction(step.kind);
    case 'del':
      return undefined;
    default:
      return assertNever(step);
  }
}

function ttlProblem(ttlMs: number | undefined): WireError | undefined {
  if (ttlMs === undefined || (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && ttlMs <= LIMITS.ttlMsMax))
    return undefined;
  return wireError(
    'HOLDFAST_INVALID_ARGUMENT',
    `not a time to live: ${ttlMs} (whole milliseconds, from 1 to ${LIMITS.ttlMsMax})`,
  );
}

function onlyInTransaction(kind: Operation['kind']): WireError {
  return wireError('HOLDFAST_INVALID_ARGUMENT', `a step of kind ${kind} outside a transaction`);
}

function stepBytes(step: Operation): number {
  return step.key.byteLength + (step.kind === 'put' ? step.value.byteLength : 0);
}

function firstConflict(conditions: readonly Condition[], lookup: Lookup): WriteResult | undefined {
  for (let place = 0; place < conditions.length; place++) {
    const condition = conditions[place]!;
    const current = lookup(condition.key);
    if (!holds(condition, current))
      return { kind: 'conflict', condition: place, revision: current?.revision ?? ABSENT };
  }
  return undefined;
}

/** A key that is absent has revision 0. */
function holds(condition: Condition, current: CurrentRecord | undefined): boolean {
  const revision = current?.revision ?? ABSENT;
  switch (condition.kind) {
    case 'revision':
      return revision === condition.revision;
    case 'absent':
      return revision === ABSENT;
    case 'atMost':
      return revision <= condition.revision;
    case 'present':
      return revision !== ABSENT;
    case 'value':
      return current !== undefined && Buffer.compare(current.value, condition.value) === 0;
    default:
      return assertNever(condition);
  }
}

function evaluateIncrement(
  operation: Extract<Operation, { kind: 'increment' }>,
  current: CurrentRecord | undefined,
  revision: Revision,
): Evaluation {
  const sum = sumOf(current, operation.by);
  if (sum === undefined) {
    return {
      mutations: NO_MUTATIONS,
      result: { kind: 'notAnInteger', revision: current?.revision ?? ABSENT },
    };
  }
  return {
    mutations: [counted(operation.key, sum.text, current)],
    result: { kind: 'counter', value: sum.value, revision },
  };
}

/** Of a step that is one already: a del, or a put that stays. */
function asMutation(operation: Operation): Mutation {
  assert(operation.kind !== 'increment', 'evaluate: an increment is not alone');
  assert(operation.kind === 'put' || operation.kind === 'del', `evaluate: a step of kind ${operation.kind}`);
  return operation;
}

function requestTooLarge(bytes: number): WireError {
  const most = LIMITS.requestBytesMax;
  return wireError(
    'HOLDFAST_REQUEST_TOO_LARGE',
    `${bytes} bytes of keys and values in one write; at most ${most}`,
  );
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
