import { crc32 } from 'node:zlib';
import type { HardState } from '@holdfast/core';
import {
  assert,
  type DiskId,
  type Exclusion,
  isNodeId,
  type LogIndex,
  type Position,
  type Term,
  type Ticket,
} from '@holdfast/types';
import { asBuffer, readCount, writeCount } from './bytes.ts';

/** `mark`: holds no record, only says what was synced when it was written. */
export type FrameKind = 'entries' | 'genesis' | 'exclusion' | 'base' | 'repair' | 'mark';

/** What every frame says of the log, whatever record it holds. */
export interface FrameHeader {
  readonly kind: FrameKind;
  /** Of the record; a mark repeats that of the record before it. */
  readonly ticket: Ticket;
  /** Highest ticket known to be on stable storage when this frame was written. */
  readonly synced: Ticket;
  readonly hardState: HardState;
  readonly commitFloor: LogIndex;
  /** End of the log with this record in it. */
  readonly last: Position;
  readonly exclusion: Exclusion | undefined;
  /** `stateDigest` of genesis and base with this record in them: tells whether a lost frame held either. */
  readonly stateDigest: number;
  readonly payloadBytes: number;
  readonly payloadChecksum: number;
}

export const FRAME_HEADER_BYTES = 144;

/** Length of the payload stays below, so that a length read from a disk is never believed blindly. */
const PAYLOAD_BYTES_MAX: number = 2 ** 30;

/** First bytes of every frame. */
export const FRAME_MAGIC: Buffer = Buffer.from('HfF1', 'latin1');

const KINDS: readonly FrameKind[] = ['entries', 'genesis', 'exclusion', 'base', 'repair', 'mark'];
const EXCLUSIONS: readonly (Exclusion | undefined)[] = [
  undefined,
  'wiped',
  'disk-went-back',
  'hard-state-lost',
];

/*
 * Header, little-endian:
 *   0 magic · 4 checksum of 8.. · 8 kind · 9 exclusion · 10 length of the vote · 11 zero · 12 payload bytes ·
 *   16 payload checksum · 20 offset of this frame in its segment · 24 ticket · 32 synced · 40 term ·
 *   48 commit floor · 56 last index · 64 last term · 72 state digest · 76 vote, 63 bytes · 139 zeros
 */
const CHECKED_FROM = 8;
const VOTE_OFFSET = 76;
const VOTE_BYTES_MAX = 63;

/**
 * Where header checksums start: a frame of another disk or segment, left over or copied here, is none.
 * The ticket and the offset are among the bytes that the checksum covers.
 */
export function frameSeed(disk: DiskId, segment: number): number {
  const place = Buffer.alloc(8);
  writeCount(place, 0, segment);
  return crc32(place, crc32(disk));
}

/** Writes a header at `offset` of `target`; `place` is the offset in the segment. */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  header: FrameHeader,
  at: { readonly seed: number; readonly place: number },
): void {
  const vote = header.hardState.votedFor ?? '';
  assert(vote.length <= VOTE_BYTES_MAX, 'a node id fits the frame header');
  assert(header.payloadBytes < PAYLOAD_BYTES_MAX, 'a payload has less than 1 GiB');
  const bytes = asBuffer(target.subarray(offset, offset + FRAME_HEADER_BYTES));
  bytes.fill(0);
  FRAME_MAGIC.copy(bytes);
  bytes[8] = KINDS.indexOf(header.kind);
  bytes[9] = EXCLUSIONS.indexOf(header.exclusion);
  bytes[10] = vote.length;
  bytes.writeUInt32LE(header.payloadBytes, 12);
  bytes.writeUInt32LE(header.payloadChecksum, 16);
  bytes.writeUInt32LE(at.place, 20);
  writeCount(bytes, 24, header.ticket);
  writeCount(bytes, 32, header.synced);
  writeCount(bytes, 40, header.hardState.term);
  writeCount(bytes, 48, header.commitFloor);
  writeCount(bytes, 56, header.last.index);
  writeCount(bytes, 64, header.last.term);
  bytes.writeUInt32LE(header.stateDigest, 72);
  bytes.write(vote, VOTE_OFFSET, 'latin1');
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKED_FROM), at.seed), 4);
}

/** The header at `offset` of a segment, or undefined if there is no sound one. */
export function readFrameHeader(segment: Uint8Array, offset: number, seed: number): FrameHeader | undefined {
  if (offset + FRAME_HEADER_BYTES > segment.byteLength) return undefined;
  const bytes = asBuffer(segment).subarray(offset, offset + FRAME_HEADER_BYTES);
  if (!bytes.subarray(0, FRAME_MAGIC.length).equals(FRAME_MAGIC)) return undefined;
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(CHECKED_FROM), seed)) return undefined;
  const kind = KINDS[bytes[8]!];
  const exclusion = EXCLUSIONS[bytes[9]!];
  const vote = bytes.toString('latin1', VOTE_OFFSET, VOTE_OFFSET + bytes[10]!);
  const counts = [24, 32, 40, 48, 56, 64].map((position) => readCount(bytes, position));
  const sound =
    kind !== undefined &&
    bytes[9]! < EXCLUSIONS.length &&
    bytes.readUInt32LE(20) === offset &&
    bytes.readUInt32LE(12) < PAYLOAD_BYTES_MAX &&
    counts.every(Number.isSafeInteger) &&
    (vote === '' || isNodeId(vote));
  if (!sound) return undefined;
  const [ticket, synced, term, commitFloor, lastIndex, lastTerm] = counts;
  return {
    kind,
    ticket: ticket as Ticket,
    synced: synced as Ticket,
    hardState: vote === '' ? { term: term as Term } : { term: term as Term, votedFor: vote },
    commitFloor: commitFloor as LogIndex,
    last: { index: lastIndex as LogIndex, term: lastTerm as Term },
    exclusion,
    stateDigest: bytes.readUInt32LE(72),
    payloadBytes: bytes.readUInt32LE(12),
    payloadChecksum: bytes.readUInt32LE(16),
  };
}
