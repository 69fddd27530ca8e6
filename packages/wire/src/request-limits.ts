import {
  boundBytes,
  type ErrorCode,
  LIMITS,
  type Operation,
  type RangeClearing,
  type ReadRequest,
  type WriteRequest,
} from '@holdfast/types';

/** Why one request is refused, while the others of its frame are answered. */
export interface RequestProblem {
  readonly code: Extract<
    ErrorCode,
    | 'HOLDFAST_KEY_TOO_LARGE'
    | 'HOLDFAST_VALUE_TOO_LARGE'
    | 'HOLDFAST_REQUEST_TOO_LARGE'
    | 'HOLDFAST_INVALID_ARGUMENT'
  >;
  readonly message: string;
}

type CheckedRequest = Pick<WriteRequest, 'conditions' | 'operations' | 'otherwise' | 'clear'>;

/** Checked by the client before it sends and by the node before it admits. */
export function writeProblem(request: CheckedRequest): RequestProblem | undefined {
  const { conditions, operations, otherwise, clear } = request;
  if (clear !== undefined) return clearProblem(request, clear);
  if (conditions.length > LIMITS.conditionsPerRequestMax) {
    return tooLarge(`${conditions.length} conditions, at most ${LIMITS.conditionsPerRequestMax} allowed`);
  }
  const most = otherwise === undefined ? LIMITS.operationsPerRequestMax : LIMITS.stepsPerBranchMax;
  for (const steps of otherwise === undefined ? [operations] : [operations, otherwise]) {
    if (steps.length > most) return tooLarge(`${steps.length} operations, at most ${most} allowed`);
  }
  let bytes = 0;
  for (const condition of conditions) {
    if (condition.key.length > LIMITS.keyBytesMax) return keyTooLarge(condition.key);
    if (condition.kind === 'value' && condition.value.length > LIMITS.valueBytesMax)
      return valueTooLarge(condition.value);
    bytes += condition.key.length + (condition.kind === 'value' ? condition.value.length : 0);
  }
  for (const operation of operations) {
    const problem = operationProblem(operation, request);
    if (problem !== undefined) return problem;
    bytes += operationBytes(operation);
  }
  if (otherwise !== undefined) {
    for (const operation of otherwise) {
      const problem = operationProblem(operation, request);
      if (problem !== undefined) return problem;
      bytes += operationBytes(operation);
    }
  }
  return bytesProblem(bytes);
}

function clearProblem(
  { conditions, operations }: CheckedRequest,
  clear: RangeClearing,
): RequestProblem | undefined {
  if (conditions.length + operations.length > 0)
    return invalidArgument('a clear stands alone in its request');
  return bytesProblem(boundBytes(clear));
}

function bytesProblem(bytes: number): RequestProblem | undefined {
  if (bytes <= LIMITS.requestBytesMax) return undefined;
  return tooLarge(`${bytes} bytes, at most ${LIMITS.requestBytesMax} allowed`);
}

export function readProblem(request: Pick<ReadRequest, 'keys'>): RequestProblem | undefined {
  if (request.keys.length > LIMITS.keysPerReadMax) {
    return tooLarge(`${request.keys.length} keys, at most ${LIMITS.keysPerReadMax} allowed`);
  }
  let bytes = 0;
  for (const key of request.keys) {
    if (key.length > LIMITS.keyBytesMax) return keyTooLarge(key);
    bytes += key.length;
  }
  return bytesProblem(bytes);
}

function operationProblem(operation: Operation, request: CheckedRequest): RequestProblem | undefined {
  if (operation.key.length > LIMITS.keyBytesMax) return keyTooLarge(operation.key);
  if (operation.kind === 'put' && operation.value.length > LIMITS.valueBytesMax)
    return valueTooLarge(operation.value);
  if ((operation.kind === 'put' || operation.kind === 'expire') && (operation.ttlMs ?? 0) > LIMITS.ttlMsMax)
    return invalidArgument(`${operation.ttlMs} ms to live, at most ${LIMITS.ttlMsMax} allowed`);
  if (request.otherwise !== undefined) return undefined;
  if (operation.kind === 'increment' && request.operations.length !== 1)
    return invalidArgument('an increment must be the only operation of its request');
  if (operation.kind !== 'get' && operation.kind !== 'expire') return undefined;
  return invalidArgument(`a step of kind ${operation.kind} outside a transaction`);
}

function operationBytes(operation: Operation): number {
  return operation.key.length + (operation.kind === 'put' ? operation.value.length : 0);
}

function invalidArgument(message: string): RequestProblem {
  return { code: 'HOLDFAST_INVALID_ARGUMENT', message };
}

function valueTooLarge(value: Uint8Array): RequestProblem {
  return {
    code: 'HOLDFAST_VALUE_TOO_LARGE',
    message: `value of ${value.length} bytes, at most ${LIMITS.valueBytesMax} allowed`,
  };
}

function keyTooLarge(key: Uint8Array): RequestProblem {
  return {
    code: 'HOLDFAST_KEY_TOO_LARGE',
    message: `key of ${key.length} bytes, at most ${LIMITS.keyBytesMax} allowed`,
  };
}

function tooLarge(message: string): RequestProblem {
  return { code: 'HOLDFAST_REQUEST_TOO_LARGE', message };
}
