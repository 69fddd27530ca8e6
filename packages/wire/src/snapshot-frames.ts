import { assertNever, LIMITS, type SnapshotMessage } from '@holdfast/types';
import {
  binary,
  choice,
  count,
  each,
  flag,
  list,
  optional,
  parts,
  position,
  shortened,
  text,
} from './fields.ts';
import { invalid, within } from './invalid.ts';
import { type Packable, pack, unpack } from './message-pack.ts';

/** The code of a kind is its place here. */
const KINDS = [
  'snapshotBegin',
  'snapshotChunk',
  'snapshotEnd',
  'snapshotProgress',
  'snapshotResult',
] as const satisfies readonly SnapshotMessage['kind'][];

const DIGEST_PATTERN = /^[0-9a-f]{64}$/;

/** One message to a frame: [code, id, …parts]. */
export function encodeSnapshotMessage(message: SnapshotMessage): Uint8Array {
  return pack(packMessage(message));
}

/** Throws HOLDFAST_INVALID_MESSAGE. The records of a chunk are views into `bytes`. */
export function decodeSnapshotMessage(bytes: Uint8Array): SnapshotMessage {
  if (bytes.length > LIMITS.peerFrameBytesMax)
    throw invalid('frame', `longer than ${LIMITS.peerFrameBytesMax} bytes`);
  const packed = list(unpack(bytes), 'message', { min: 2 });
  const kind = choice(packed[0], KINDS, 'kind');
  try {
    return readKind(kind, packed);
  } catch (error) {
    throw within(error, kind);
  }
}

function packMessage(message: SnapshotMessage): Packable[] {
  const code = KINDS.indexOf(message.kind);
  switch (message.kind) {
    case 'snapshotBegin':
      return [code, message.id, message.position.index, message.position.term];
    case 'snapshotChunk':
      return [code, message.id, message.number, message.records];
    case 'snapshotEnd':
      return [code, message.id, message.chunks, message.digest];
    case 'snapshotProgress':
      return [code, message.id, message.number];
    case 'snapshotResult':
      return [code, message.id, message.ok, message.reason === undefined ? null : shortened(message.reason)];
    default:
      return assertNever(message);
  }
}

function readKind(kind: SnapshotMessage['kind'], packed: readonly unknown[]): SnapshotMessage {
  const id = text(packed[1], 'id');
  switch (kind) {
    case 'snapshotBegin':
      parts(packed, 'message', 4);
      return { kind, id, position: position(packed[2], packed[3], 'position') };
    case 'snapshotChunk':
      parts(packed, 'message', 4);
      return { kind, id, number: count(packed[2], 'number'), records: readRecords(packed[3]) };
    case 'snapshotEnd':
      parts(packed, 'message', 4);
      return { kind, id, chunks: count(packed[2], 'chunks'), digest: readDigest(packed[3]) };
    case 'snapshotProgress':
      parts(packed, 'message', 3);
      return { kind, id, number: count(packed[2], 'number') };
    case 'snapshotResult': {
      parts(packed, 'message', 4);
      const reason = optional(packed[3], 'reason', text);
      return { kind, id, ok: flag(packed[2], 'ok'), ...(reason === undefined ? {} : { reason }) };
    }
    default:
      return assertNever(kind);
  }
}

/** Alternating keys and values. */
export function readRecords(value: unknown): Uint8Array[] {
  const records = list(value, 'records');
  if (records.length % 2 !== 0) throw invalid('records', 'a key without a value');
  return each(records, 'records', readRecord);
}

function readRecord(value: unknown): Uint8Array {
  return binary(value, 'bytes');
}

function readDigest(value: unknown): string {
  const digest = text(value, 'digest');
  if (!DIGEST_PATTERN.test(digest)) throw invalid('digest', 'not a SHA-256 in lower-case hexadecimal');
  return digest;
}
