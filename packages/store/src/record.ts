import { crc32 } from 'node:zlib';
import type { Revision, StoredRecord } from '@holdfast/types';

/**
 * Every value in LevelDB is `payload, CRC-32 of key and payload`. LevelDB checks the checksums of its
 * blocks only where asked to, and classic-level does not ask: without one of our own a flipped bit on
 * disk would be read, compacted and replicated as if it had been written.
 *
 * Payload of a user record: `flags (1), revision (8), [expiry (8)], value`, big-endian. The expiry is log time.
 */
const CHECKSUM_BYTES = 4;
const FIXED_BYTES = 1 + 8;
const EXPIRY_BYTES = 8;
/** Low bits: version of the format. Other versions are refused, never guessed at. */
const FORMAT_PLAIN = 0x01;
const FORMAT_EXPIRING = 0x81;
const UINT32_RANGE = 2 ** 32;

/** A record that is not what was written: the store must be rebuilt from a peer. */
export class UnreadableRecordError extends Error {
  override readonly name = 'UnreadableRecordError';
}

/** Bytes that `writeUserRecord` takes. */
export function userRecordBytes({ value, expiresAt }: Pick<StoredRecord, 'value' | 'expiresAt'>): number {
  return FIXED_BYTES + (expiresAt === undefined ? 0 : EXPIRY_BYTES) + value.byteLength + CHECKSUM_BYTES;
}

/**
 * Writes a record directly behind its key, which stands in `target` from `keyStart` to `keyEnd`, so
 * that one pass over both makes the checksum. Returns where the record ends.
 */
export function writeUserRecord(
  target: Buffer,
  at: { readonly keyStart: number; readonly keyEnd: number },
  record: StoredRecord,
): number {
  let position = at.keyEnd;
  target[position] = record.expiresAt === undefined ? FORMAT_PLAIN : FORMAT_EXPIRING;
  writeUint64(target, position + 1, record.revision);
  position += FIXED_BYTES;
  if (record.expiresAt !== undefined) {
    writeUint64(target, position, record.expiresAt);
    position += EXPIRY_BYTES;
  }
  target.set(record.value, position);
  position += record.value.byteLength;
  target.writeUInt32BE(crc32(target.subarray(at.keyStart, position)), position);
  return position + CHECKSUM_BYTES;
}

/** The record under `key` (as stored, with its prefix). The value is a view of `stored`. */
export function readUserRecord(key: Uint8Array, stored: Uint8Array): StoredRecord {
  const payload = open(key, stored);
  const isExpiring = payload[0] === FORMAT_EXPIRING;
  const headBytes = isExpiring ? FIXED_BYTES + EXPIRY_BYTES : FIXED_BYTES;
  if (payload[0] !== FORMAT_PLAIN && payload[0] !== FORMAT_EXPIRING) {
    throw new UnreadableRecordError(`a record has unknown format ${payload[0] ?? 'none'}`);
  }
  if (payload.byteLength < headBytes) throw new UnreadableRecordError('a record is shorter than its head');
  const revision = readUint64(payload, 1);
  if (!Number.isSafeInteger(revision)) throw new UnreadableRecordError('a revision is out of range');
  const value = payload.subarray(headBytes);
  if (!isExpiring) return { value, revision: revision as Revision };
  const expiresAt = readUint64(payload, FIXED_BYTES);
  if (!Number.isSafeInteger(expiresAt)) throw new UnreadableRecordError('an expiry is out of range');
  return { value, revision: revision as Revision, expiresAt };
}

/** Appends the checksum to the payload of a system record. */
export function seal(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(payload.byteLength + CHECKSUM_BYTES);
  sealed.set(payload);
  sealed.writeUInt32BE(crc32(payload, crc32(key)), payload.byteLength);
  return sealed;
}

/** The payload under a checksum that holds; throws `UnreadableRecordError` otherwise. */
export function open(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const end = sealed.byteLength - CHECKSUM_BYTES;
  if (end < 0) throw new UnreadableRecordError('a record is too short to hold a checksum');
  const payload = sealed.subarray(0, end);
  if (crc32(payload, crc32(key)) !== readUint32(sealed, end)) {
    throw new UnreadableRecordError('the checksum of a record does not match');
  }
  return payload;
}

function writeUint64(target: Buffer, position: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / UINT32_RANGE), position);
  target.writeUInt32BE(value % UINT32_RANGE, position + 4);
}

function readUint64(bytes: Uint8Array, position: number): number {
  return readUint32(bytes, position) * UINT32_RANGE + readUint32(bytes, position + 4);
}

function readUint32(bytes: Uint8Array, position: number): number {
  const high = (bytes[position]! << 8) | bytes[position + 1]!;
  return high * 0x10000 + ((bytes[position + 2]! << 8) | bytes[position + 3]!);
}
