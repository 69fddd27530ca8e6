import { type ErrorCode, LIMITS, type Operation, type ReadRequest, type WriteRequest } from '@holdfast/types';

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

/** Checked by the client before it sends and by the node before it admits. */
export function writeProblem(
  request: Pick<WriteRequest, 'conditions' | 'operations'>,
): RequestProblem | undefined {
  const { conditions, operations } = request;
  if (conditions.length > LIMITS.conditionsPerRequestMax) {
    return tooLarge(`${conditions.length} conditions, at most ${LIMITS.conditionsPerRequestMax} allowed`);
  }
  if (operations.length > LIMITS.operationsPerRequestMax) {
    return tooLarge(`${operations.length} operations, at most ${LIMITS.operationsPerRequestMax} allowed`);
  }
  let bytes = 0;
  for (const condition of conditions) {
    if (condition.key.length > LIMITS.keyBytesMax) return keyTooLarge(condition.key);
    bytes += condition.key.length;
  }
  for (const operation of operations) {
    const problem = operationProblem(operation, operations.length);
    if (problem !== undefined) return problem;
    bytes += operation.key.length + (operation.kind === 'put' ? operation.value.length : 0);
  }
  if (bytes > LIMITS.requestBytesMax)
    return tooLarge(`${bytes} bytes, at most ${LIMITS.requestBytesMax} allowed`);
  return undefined;
}

export function readProblem(request: Pick<ReadRequest, 'keys'>): RequestProblem | undefined {
  if (request.keys.length > LIMITS.keysPerReadMax) {
    return tooLarge(`${request.keys.length} keys, at most ${LIMITS.keysPerReadMax} allowed`);
  }
  for (const key of request.keys) if (key.length > LIMITS.keyBytesMax) return keyTooLarge(key);
  return undefined;
}

function operationProblem(operation: Operation, operations: number): RequestProblem | undefined {
  if (operation.key.length > LIMITS.keyBytesMax) return keyTooLarge(operation.key);
  if (operation.kind === 'put' && operation.value.length > LIMITS.valueBytesMax) {
    return {
      code: 'HOLDFAST_VALUE_TOO_LARGE',
      message: `value of ${operation.value.length} bytes, at most ${LIMITS.valueBytesMax} allowed`,
    };
  }
  if (operation.kind === 'increment' && operations !== 1) {
    return {
      code: 'HOLDFAST_INVALID_ARGUMENT',
      message: 'an increment must be the only operation of its request',
    };
  }
  return undefined;
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
