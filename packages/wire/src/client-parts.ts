import type { Consistency } from '@holdfast/types';
import { binary, each, list } from './fields.ts';

// What several kinds of client messages have in common.

export const CONSISTENCIES: readonly Consistency[] = ['linearizable', 'session', 'eventual'];

/** A deadline that has passed while the message waited is sent as none left. */
export function duringMs(remainingMs: number): number {
  return remainingMs > 0 ? Math.min(remainingMs, Number.MAX_SAFE_INTEGER) : 0;
}

export function readKeys(value: unknown): Uint8Array[] {
  return each(list(value, 'keys'), 'keys', readKey);
}

function readKey(value: unknown): Uint8Array {
  return binary(value, 'bytes');
}
