import {
  type Ack,
  assertNever,
  changesNothing,
  type Operation,
  type RangeClearing,
  type ReadAnswer,
  type StepResult,
  type WriteReceipt,
  type WriteResult,
} from '@holdfast/types';
import type { ReadCall, SnapshotReadCall, WriteCall } from './call.ts';

const RANK: Readonly<Record<Ack, number>> = { local: 0, quorum: 1, all: 2 };

/**
 * A node may not answer another question than was asked, nor state less than was asked for. What changed nothing is
 * final once it is committed.
 */
export function isReceiptFor(call: WriteCall, receipt: WriteReceipt): boolean {
  const { result } = receipt;
  if (RANK[receipt.ack] < RANK[changesNothing(result) ? 'quorum' : call.ack]) return false;
  if (call.clear !== undefined) return isResultOfClear(call.clear, result);
  return call.otherwise === undefined ? isResultOfWrite(call, result) : isResultOfTransaction(call, result);
}

function isResultOfWrite(call: WriteCall, result: WriteResult): boolean {
  const isIncrement = call.operations[0]?.kind === 'increment';
  switch (result.kind) {
    case 'written':
      return !isIncrement;
    case 'counter':
    case 'notAnInteger':
      return isIncrement;
    case 'conflict':
      return result.condition < call.conditions.length;
    default:
      return false;
  }
}

function isResultOfClear({ limit }: RangeClearing, result: WriteResult): boolean {
  return result.kind === 'cleared' && (limit < 0 || result.deleted <= limit);
}

function isResultOfTransaction(call: WriteCall, result: WriteResult): boolean {
  const { operations, otherwise = [] } = call;
  if (result.kind === 'resultTooLarge') return has('get') || has('expire');
  if (result.kind === 'notAnInteger') return has('increment');
  if (result.kind !== 'transaction') return false;
  const asked = result.branch === 'then' ? operations : otherwise;
  if (asked.length !== result.steps.length) return false;
  return asked.every(({ kind }, place) => isResultOfStep(kind, result.steps[place]!));

  function has(kind: Operation['kind']): boolean {
    return [...operations, ...otherwise].some((step) => step.kind === kind);
  }
}

function isResultOfStep(asked: Operation['kind'], result: StepResult): boolean {
  switch (asked) {
    case 'put':
    case 'del':
      return result.kind === 'changed';
    case 'increment':
      return result.kind === 'counter';
    case 'get':
      return result.kind === 'found' || result.kind === 'missing';
    case 'expire':
      return result.kind === 'changed' || result.kind === 'missing';
    default:
      return assertNever(asked);
  }
}

export function isAnswerTo(call: ReadCall | SnapshotReadCall, answer: ReadAnswer): boolean {
  return answer.items.length === call.keys.length;
}
