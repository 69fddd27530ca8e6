import type { Ack, ReadAnswer, WriteReceipt } from '@holdfast/types';
import type { ReadCall, SnapshotReadCall, WriteCall } from './call.ts';

const RANK: Readonly<Record<Ack, number>> = { local: 0, quorum: 1, all: 2 };

/**
 * A node may not answer another question than was asked, nor state less than was asked for. A refusal changed
 * nothing: it is final once it is committed.
 */
export function isReceiptFor(call: WriteCall, receipt: WriteReceipt): boolean {
  const { result } = receipt;
  const isRefusal = result.kind === 'conflict' || result.kind === 'notAnInteger';
  if (RANK[receipt.ack] < RANK[isRefusal ? 'quorum' : call.ack]) return false;
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

export function isAnswerTo(call: ReadCall | SnapshotReadCall, answer: ReadAnswer): boolean {
  return answer.items.length === call.keys.length;
}
