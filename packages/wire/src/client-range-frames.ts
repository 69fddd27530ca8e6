import { assertNever, type ClientMessage, type KeyRange, type RangeClearing } from '@holdfast/types';
import { duringMs, packBounds, packState, readBounds, readKeys, readState } from './client-parts.ts';
import {
  binary,
  count,
  duration,
  flag,
  integer,
  optional,
  orNil,
  parts,
  positive,
  revision,
} from './fields.ts';
import { invalid } from './invalid.ts';
import type { Packable } from './message-pack.ts';

/** Range reads, and snapshots held for several reads. */
type RangeMessage = Extract<
  ClientMessage,
  { kind: 'scanOpen' | 'scanNext' | 'scanClose' | 'snapshotOpen' | 'snapshotRead' | 'snapshotClose' }
>;

export function packRangeMessage(code: number, message: RangeMessage): Packable[] {
  switch (message.kind) {
    case 'scanOpen':
      return [
        code,
        message.id,
        ...packState(message),
        packRange(message.range),
        message.pageSize,
        orNil(message.snapshot),
      ];
    case 'scanNext':
      return [
        code,
        message.id,
        duringMs(message.remainingMs),
        message.scan,
        message.pageSize,
        orNil(message.seek),
      ];
    case 'scanClose':
      return [code, message.scan];
    case 'snapshotOpen':
      return [code, message.id, ...packState(message)];
    case 'snapshotRead':
      return [code, message.id, duringMs(message.remainingMs), message.snapshot, message.keys];
    case 'snapshotClose':
      return [code, message.snapshot];
    default:
      return assertNever(message);
  }
}

export function readRangeMessage(kind: RangeMessage['kind'], packed: readonly unknown[]): RangeMessage {
  switch (kind) {
    case 'scanOpen': {
      parts(packed, 'message', 9);
      const snapshot = optional(packed[8], 'snapshot', count);
      return {
        kind,
        id: count(packed[1], 'id'),
        ...readState(packed),
        range: readRange(packed[6]),
        pageSize: positive(packed[7], 'pageSize'),
        ...(snapshot === undefined ? {} : { snapshot }),
      };
    }
    case 'scanNext': {
      parts(packed, 'message', 6);
      const seek = optional(packed[5], 'seek', binary);
      return {
        kind,
        id: count(packed[1], 'id'),
        remainingMs: duration(packed[2], 'remainingMs'),
        scan: count(packed[3], 'scan'),
        pageSize: positive(packed[4], 'pageSize'),
        ...(seek === undefined ? {} : { seek }),
      };
    }
    case 'scanClose':
      parts(packed, 'message', 2);
      return { kind, scan: count(packed[1], 'scan') };
    case 'snapshotOpen':
      parts(packed, 'message', 6);
      return { kind, id: count(packed[1], 'id'), ...readState(packed) };
    case 'snapshotRead': {
      parts(packed, 'message', 5);
      return {
        kind,
        id: count(packed[1], 'id'),
        remainingMs: duration(packed[2], 'remainingMs'),
        snapshot: count(packed[3], 'snapshot'),
        keys: readKeys(packed[4]),
      };
    }
    case 'snapshotClose':
      parts(packed, 'message', 2);
      return { kind, snapshot: count(packed[1], 'snapshot') };
    default:
      return assertNever(kind);
  }
}

/** [gt, gte, lt, lte, reverse, limit, revision] */
export function packClearing(clearing: RangeClearing): Packable[] {
  return [...packBounds(clearing), clearing.reverse, clearing.limit, clearing.upTo];
}

export function readRangeClearing(value: unknown): RangeClearing {
  const packed = parts(value, 'clear', 7);
  const limit = integer(packed[5], 'clear.limit');
  if (limit < 1 && limit !== -1) throw invalid('clear.limit', 'neither -1 nor above 0');
  return {
    ...readBounds(packed),
    reverse: flag(packed[4], 'clear.reverse'),
    limit,
    upTo: revision(packed[6], 'clear.upTo'),
  };
}

function packRange(range: KeyRange): Packable[] {
  return [...packBounds(range), range.reverse, range.limit, range.keys, range.values];
}

function readRange(value: unknown): KeyRange {
  const packed = parts(value, 'range', 8);
  const limit = integer(packed[5], 'range.limit');
  if (limit < -1) throw invalid('range.limit', 'below -1');
  return {
    ...readBounds(packed),
    reverse: flag(packed[4], 'range.reverse'),
    limit,
    keys: flag(packed[6], 'range.keys'),
    values: flag(packed[7], 'range.values'),
  };
}
