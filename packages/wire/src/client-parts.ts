import type { Consistency, Revision, WatchedRange } from '@holdfast/types';
import { binary, choice, codeOf, duration, each, list, optional, orNil, revision } from './fields.ts';
import type { Packable } from './message-pack.ts';

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

/** Which state is wanted: four places from the second on. */
export interface WantedState {
  readonly consistency: Consistency;
  readonly remainingMs: number;
  readonly token: Revision;
  readonly maxStalenessMs?: number;
}

export function packState(state: WantedState): Packable[] {
  return [
    codeOf(state.consistency, CONSISTENCIES),
    duringMs(state.remainingMs),
    state.token,
    orNil(state.maxStalenessMs),
  ];
}

export function readState(packed: readonly unknown[]): WantedState {
  const maxStalenessMs = optional(packed[5], 'maxStalenessMs', duration);
  return {
    consistency: choice(packed[2], CONSISTENCIES, 'consistency'),
    remainingMs: duration(packed[3], 'remainingMs'),
    token: revision(packed[4], 'token'),
    ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
  };
}

export function packBounds({ gt, gte, lt, lte }: WatchedRange): Packable[] {
  return [orNil(gt), orNil(gte), orNil(lt), orNil(lte)];
}

/** Of a range: its first four parts. */
export function readBounds(packed: readonly unknown[]): WatchedRange {
  const gt = optional(packed[0], 'range.gt', binary);
  const gte = optional(packed[1], 'range.gte', binary);
  const lt = optional(packed[2], 'range.lt', binary);
  const lte = optional(packed[3], 'range.lte', binary);
  return {
    ...(gt === undefined ? {} : { gt }),
    ...(gte === undefined ? {} : { gte }),
    ...(lt === undefined ? {} : { lt }),
    ...(lte === undefined ? {} : { lte }),
  };
}
