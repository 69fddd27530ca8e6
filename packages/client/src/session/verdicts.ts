import type { ServerMessage, WireError } from '@holdfast/types';
import { isRouting } from './failures.ts';

/** What a message says to one request. */
export interface Answer {
  readonly id: number;
  readonly error?: WireError;
}

const NONE: readonly Answer[] = [];

/** The answers that a message carries. */
export function answersIn(message: ServerMessage): readonly Answer[] {
  switch (message.kind) {
    case 'writeReplies':
    case 'readReplies':
      return message.replies;
    case 'scanPage':
    case 'snapshotOpened':
    case 'watchOpened':
    case 'sessionOpened':
    case 'failed':
      return [message];
    default:
      return NONE;
  }
}

/** The node could not cope with what it was asked: that says something about the node, and nothing about the call. */
export function isFailureOfNode(error: WireError): boolean {
  return error.code === 'HOLDFAST_OVERLOADED' || error.code === 'HOLDFAST_DISK_FAILED';
}

/** The node is out of its cluster, and serves nobody. */
export function isOut({ code }: WireError): boolean {
  return code === 'HOLDFAST_NODE_REPLACED' || code === 'HOLDFAST_DISK_WENT_BACK';
}

/** Another node may answer it as it is, now. */
export function isNotHere(error: WireError): boolean {
  return isRouting(error.code) || isOut(error);
}

/** What a refused write may do next. */
export type WriteVerdict = 'final' | 'again' | 'sessionExpired';

/**
 * Repeating a write under its sequence is always safe, so the question is only whether it can help: not if the
 * refusal is about the write itself, not if its time is up, and not if the cluster has closed its sequence.
 */
export function judgeWrite(error: WireError): WriteVerdict {
  switch (error.code) {
    case 'HOLDFAST_SESSION_EXPIRED':
      return 'sessionExpired';
    case 'HOLDFAST_DEADLINE_EXCEEDED':
    case 'HOLDFAST_ACK_NOT_REACHED':
    case 'HOLDFAST_SEQUENCE_CLOSED':
      return 'final';
    case 'HOLDFAST_DISK_FAILED':
      return 'again';
    default:
      return error.retryable && error.outcome !== 'applied' ? 'again' : 'final';
  }
}

/** What a refused read may do next: ask another node now, or somebody after a pause. */
export type ReadVerdict = 'final' | 'elsewhere' | 'later' | 'diverged';

export function judgeRead(error: WireError, state: { readonly othersLeft: boolean }): ReadVerdict {
  const { othersLeft } = state;
  switch (error.code) {
    case 'HOLDFAST_SESSION_DIVERGED':
      return 'diverged';
    case 'HOLDFAST_DEADLINE_EXCEEDED':
      return 'final';
    case 'HOLDFAST_TOO_STALE':
      return othersLeft ? 'elsewhere' : 'final';
    default:
      if (!error.retryable) return 'final';
      return isNotHere(error) && othersLeft ? 'elsewhere' : 'later';
  }
}
