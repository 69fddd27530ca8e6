import { crc32 } from 'node:zlib';
import { type DiskId, HoldfastError, type Ticket } from '@holdfast/types';
import { alignUp, asBuffer, BLOCK_BYTES } from './bytes.ts';
import { EMPTY_STATE, type LogState } from './log-state.ts';

/** First thing in a segment. Being there at all proves that the segment before it was synced. */
export interface SegmentHead {
  readonly disk: DiskId;
  readonly segment: number;
  /** Ticket of the first record in this segment; every one before is on stable storage. */
  readonly firstTicket: Ticket;
  /** After the record before `firstTicket`. The voters of its genesis are the membership. */
  readonly state: LogState;
}

const FORMAT_VERSION = 1;
const MAGIC: Buffer = Buffer.from('HoldWAL\n', 'latin1');

/** Head, little-endian: 0 magic · 8 format version · 12 bytes of JSON · 16 checksum of the rest · 20 JSON, padded with zeros. */
const JSON_OFFSET = 20;

/** A head that is not found by then is damaged. */
const SEARCH_BYTES: number = 64 * BLOCK_BYTES;

/** Written twice in a row, each on blocks of its own, so that damage in one place costs nothing. */
const COPIES = 2;

/** Both copies. Their length is where the first group write goes. */
export function encodeSegmentHead(head: SegmentHead): Uint8Array {
  const json = Buffer.from(JSON.stringify(head));
  const copyBytes = alignUp(JSON_OFFSET + json.byteLength, BLOCK_BYTES);
  const copies = new Uint8Array(copyBytes * COPIES);
  const bytes = asBuffer(copies);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(json.byteLength, 12);
  bytes.set(json, JSON_OFFSET);
  bytes.writeUInt32LE(checksum(bytes, json.byteLength), 16);
  bytes.copyWithin(copyBytes, 0, copyBytes);
  return copies;
}

/**
 * The head of a segment, from whichever copy is sound; undefined if none is. A sound one that this program
 * must not touch is an error: HOLDFAST_VERSION_MISMATCH, or HOLDFAST_CORRUPT_LOG for that of another disk.
 */
export function readSegmentHead(
  segment: Uint8Array,
  expected: { readonly disk: DiskId; readonly segment: number; readonly path: string },
): SegmentHead | undefined {
  const bytes = asBuffer(segment);
  const end = Math.min(bytes.byteLength, SEARCH_BYTES);
  for (let offset = 0; offset + JSON_OFFSET <= end; offset += BLOCK_BYTES) {
    const head = readCopy(bytes.subarray(offset), expected.path);
    if (head === undefined || head.segment !== expected.segment) continue;
    if (head.disk === expected.disk) return head;
    throw new HoldfastError(
      'HOLDFAST_CORRUPT_LOG',
      `${expected.path} belongs to disk ${head.disk}, this is disk ${expected.disk}`,
    );
  }
  return undefined;
}

/** False: neither the first bytes of a head nor the zeros that stood there before it, which a torn write may leave. */
export function beginsAsWritten(segment: Uint8Array): boolean {
  const first = asBuffer(segment).subarray(0, MAGIC.length);
  return first.equals(MAGIC) || first.every((byte) => byte === 0);
}

function readCopy(bytes: Buffer, path: string): SegmentHead | undefined {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const jsonBytes = bytes.readUInt32LE(12);
  if (JSON_OFFSET + jsonBytes > bytes.byteLength) return undefined;
  if (bytes.readUInt32LE(16) !== checksum(bytes, jsonBytes)) return undefined;
  const version = bytes.readUInt32LE(8);
  if (version !== FORMAT_VERSION) {
    throw new HoldfastError(
      'HOLDFAST_VERSION_MISMATCH',
      `${path} has log format ${version}, this program knows ${FORMAT_VERSION}`,
    );
  }
  const head = JSON.parse(bytes.toString('utf8', JSON_OFFSET, JSON_OFFSET + jsonBytes)) as SegmentHead;
  return { ...head, state: { ...EMPTY_STATE, ...head.state } };
}

function checksum(bytes: Buffer, jsonBytes: number): number {
  return crc32(bytes.subarray(JSON_OFFSET, JSON_OFFSET + jsonBytes), crc32(bytes.subarray(8, 16)));
}
