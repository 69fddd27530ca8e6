import {
  boundBytes,
  type Condition,
  HoldfastError,
  LIMITS,
  type Operation,
  type WriteRequest,
} from '@holdfast/types';
import { writeProblem } from '@holdfast/wire';
import { invalidOption } from './invalid-option.ts';
import type { KeyBounds } from './keys/key-bounds.ts';
import { checkedRevision } from './options.ts';

/** A condition with its key encoded; `revision` 0 means absent. */
export interface EncodedCondition {
  readonly key: Uint8Array;
  readonly revision: number;
}

export const NO_CONDITIONS: readonly Condition[] = [];

/** `ifRevision` and `ifAbsent` speak of the one key written; `conditions` of any keys. */
export function conditionsOf(
  operations: readonly { readonly key: Uint8Array }[],
  options: {
    readonly ifRevision?: number | undefined;
    readonly ifAbsent?: boolean | undefined;
    readonly conditions: readonly EncodedCondition[];
  },
): readonly Condition[] {
  const { ifRevision, ifAbsent } = options;
  if (ifAbsent !== undefined && typeof ifAbsent !== 'boolean')
    throw invalidOption('ifAbsent', ifAbsent, 'true or false');
  const conditions = options.conditions.map(toCondition);
  if (ifRevision === undefined && ifAbsent !== true)
    return conditions.length === 0 ? NO_CONDITIONS : conditions;
  if (ifRevision !== undefined && ifAbsent === true)
    throw invalidOption('ifAbsent', true, 'either ifRevision or ifAbsent');
  const [operation, ...others] = operations;
  if (operation === undefined || others.length > 0) {
    throw invalidOption('ifRevision', ifRevision ?? ifAbsent, 'a write of one key (use conditions for more)');
  }
  conditions.push(toCondition({ key: operation.key, revision: ifRevision === undefined ? 0 : ifRevision }));
  return conditions;
}

function toCondition({ key, revision }: EncodedCondition): Condition {
  const expected = checkedRevision('revision', revision);
  if (expected === undefined) throw invalidOption('revision', revision, 'a revision');
  return expected === 0 ? { kind: 'absent', key } : { kind: 'revision', key, revision: expected };
}

/** Of a range, which may be as long as a request: a longer one would not fit into a frame. Returns their bytes. */
export function checkedBounds(bounds: KeyBounds): number {
  const bytes = boundBytes(bounds);
  if (bytes <= LIMITS.requestBytesMax) return bytes;
  const text = `bounds of ${bytes} bytes, at most ${LIMITS.requestBytesMax} allowed`;
  throw new HoldfastError('HOLDFAST_REQUEST_TOO_LARGE', text);
}

/** Throws at once for what a node would refuse anyway. Returns the bytes of keys and values. */
export function checkedBytes(
  request: Pick<WriteRequest, 'operations' | 'conditions' | 'otherwise' | 'clear'>,
): number {
  const problem = writeProblem(request);
  if (problem !== undefined) throw new HoldfastError(problem.code, problem.message);
  const { operations, conditions, otherwise, clear } = request;
  let bytes = bytesOf(operations) + (otherwise === undefined ? 0 : bytesOf(otherwise));
  if (clear !== undefined) bytes += boundBytes(clear);
  for (const condition of conditions) {
    bytes += condition.key.byteLength;
    if (condition.kind === 'value') bytes += condition.value.byteLength;
  }
  return bytes;
}

function bytesOf(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const operation of operations) {
    bytes += operation.key.byteLength;
    if (operation.kind === 'put') bytes += operation.value.byteLength;
  }
  return bytes;
}
