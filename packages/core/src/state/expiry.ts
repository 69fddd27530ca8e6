import type { Mutation } from '@holdfast/types';
import type { EvaluationPoint, Lookup } from './evaluation.ts';

/** What is written of a key that may have a time to live; `lookup` tells what it replaces, if anybody knows. */
export interface TimedPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly ttlMs?: number;
}

/**
 * Log time from which on a key may be deleted. One millisecond more than was asked: log time is whole milliseconds, and
 * the one in which the entry is made may be nearly over.
 */
function expiryOf(logTime: number, ttlMs: number): number {
  return logTime + ttlMs + 1;
}

/** At least so long the key lives from the log time on; 0: it is due. */
export function timeLeft(expiresAt: number, logTime: number): number {
  return Math.max(0, expiresAt - logTime - 1);
}

/**
 * The mutation of a put or of a renewal. One that has to do with expiry takes the place of what it replaces out of the
 * index, as far as it is known; a plain put does not look.
 */
export function putOf(
  step: TimedPut & { readonly kind: 'put' | 'expire' },
  lookup: Lookup,
  { logTime }: EvaluationPoint,
): Extract<Mutation, { kind: 'put' }> {
  const { key, value, ttlMs } = step;
  if (ttlMs === undefined && step.kind === 'put') return { kind: 'put', key, value };
  const formerExpiry = lookup(key)?.expiresAt;
  const expiresAt = ttlMs === undefined ? undefined : expiryOf(logTime, ttlMs);
  return {
    kind: 'put',
    key,
    value,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(formerExpiry === undefined || formerExpiry === expiresAt ? {} : { formerExpiry }),
  };
}
