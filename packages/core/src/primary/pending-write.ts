import {
  type Ack,
  boundBytes,
  type Operation,
  type RangeClearing,
  type SessionId,
  type StoredRecord,
} from '@holdfast/types';
import type { Waiter } from '../acks/waiters.ts';
import type { FoundKey, FoundRange, ProposedWrite } from '../api.ts';

/** Records that the conditions of one frame need, read in one go before its requests are evaluated. */
export interface Prefetch {
  readonly id: number;
  /** The overlay keeps what it has until this is ended. */
  readonly barrier: number;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  /** Fewer than keys if `isShort`. */
  records: ReadonlyMap<string, StoredRecord | undefined> | undefined;
  /** The values were too long to be kept together. */
  isShort: boolean;
  /** Of the values, which count in the queue. */
  bytes: number;
  /** Requests that have not used it yet. */
  users: number;
}

/** The keys of a clear, until it is evaluated. */
export interface FoundKeys extends FoundRange {
  /** The overlay keeps what it has until this is ended. */
  readonly barrier: number;
  readonly bytes: number;
}

/** An admitted request that is not logged yet. */
export type QueueItem =
  | {
      readonly kind: 'write';
      readonly session: SessionId;
      readonly floor: number;
      readonly request: ProposedWrite;
      /** Raised to quorum where the operation demands it. */
      readonly ack: Ack;
      readonly bytes: number;
      readonly prefetch: Prefetch | undefined;
      /** Of a clear: undefined while they are looked for. */
      readonly found: FoundKeys | undefined;
      readonly waiters: Waiter[];
    }
  | { readonly kind: 'openSession'; readonly bytes: number; readonly waiters: Waiter[] }
  | {
      readonly kind: 'closeSession';
      readonly session: SessionId;
      readonly reason: 'closed' | 'expired' | 'evicted';
      readonly bytes: number;
      readonly waiters: Waiter[];
    }
  | {
      readonly kind: 'expire';
      readonly due: readonly FoundKey[];
      /** The overlay keeps what it has until this is ended. */
      readonly barrier: number;
      readonly bytes: number;
      readonly waiters: Waiter[];
    };

export type WriteItem = Extract<QueueItem, { kind: 'write' }>;
export type ClearItem = WriteItem & { readonly request: { readonly clear: RangeClearing } };
export type ExpireItem = Extract<QueueItem, { kind: 'expire' }>;

/** Nobody waits for it any more: it need not be logged. */
export function isAbandoned(item: QueueItem): boolean {
  return item.waiters.length > 0 && item.waiters.every((waiter) => waiter.settled);
}

export function isClear(item: QueueItem): item is ClearItem {
  return item.kind === 'write' && item.request.clear !== undefined;
}

/** A failover may lose it after it was acknowledged. */
export function isLocal(item: QueueItem): boolean {
  return item.kind === 'write' && item.ack === 'local';
}

export function requestBytes(request: ProposedWrite): number {
  let bytes = 64;
  for (const operation of request.operations) bytes += stepBytes(operation);
  if (request.otherwise !== undefined) for (const step of request.otherwise) bytes += stepBytes(step);
  for (const condition of request.conditions)
    bytes += 16 + condition.key.byteLength + (condition.kind === 'value' ? condition.value.byteLength : 0);
  if (request.clear !== undefined) bytes += boundBytes(request.clear);
  return bytes;
}

function stepBytes(step: Operation): number {
  return 16 + step.key.byteLength + (step.kind === 'put' ? step.value.byteLength : 0);
}
