import { crc32 } from 'node:zlib';
import type { DiskId, LostBytes } from '@holdfast/types';
import { alignUp, asBuffer, FRAME_ALIGNMENT } from './bytes.ts';
import { FRAME_HEADER_BYTES, FRAME_MAGIC, type FrameHeader, frameSeed, readFrameHeader } from './frame.ts';
import { decodeRecord, type StoredRecord } from './record-payload.ts';
import { beginsAsWritten, readSegmentHead, type SegmentHead } from './segment-head.ts';

/** A frame whose header is sound. */
export interface ScannedFrame {
  readonly header: FrameHeader;
  readonly payloadOffset: number;
  /** Absent for a mark, and for a frame whose payload is damaged. */
  readonly record: StoredRecord | undefined;
}

/** All that can be read of one segment, whatever has happened to the rest of it. */
export interface SegmentScan {
  readonly segment: number;
  readonly head: SegmentHead | undefined;
  readonly frames: readonly ScannedFrame[];
  /** Where the last byte that is not zero ends. 0: made ready, never written to. */
  readonly usedBytes: number;
  /** See there. */
  readonly beginsAsWritten: boolean;
  /** What the disk failed to read, in order: zeros, as far as all else here is concerned. */
  readonly lost: readonly LostBytes[];
}

/** Frames are found by their first bytes, not by the length of the one before: reading goes on past damage. */
export function scanSegment(
  bytes: Uint8Array,
  from: { readonly disk: DiskId; readonly segment: number; readonly path: string },
  lost: readonly LostBytes[] = [],
): SegmentScan {
  const buffer = asBuffer(bytes);
  const usedBytes = lengthWithoutZeros(buffer);
  const seed = frameSeed(from.disk, from.segment);
  const frames: ScannedFrame[] = [];
  let offset = buffer.indexOf(FRAME_MAGIC, 0);
  while (offset !== -1 && offset < usedBytes) {
    const header = offset % FRAME_ALIGNMENT === 0 ? readFrameHeader(buffer, offset, seed) : undefined;
    let next = offset + 1;
    if (header !== undefined) {
      const payloadOffset = offset + FRAME_HEADER_BYTES;
      frames.push({ header, payloadOffset, record: readRecord(buffer, header, payloadOffset) });
      next = alignUp(payloadOffset + header.payloadBytes, FRAME_ALIGNMENT);
    }
    offset = buffer.indexOf(FRAME_MAGIC, next);
  }
  return {
    segment: from.segment,
    head: readSegmentHead(buffer, from),
    frames,
    usedBytes,
    beginsAsWritten: beginsAsWritten(buffer),
    lost,
  };
}

function readRecord(segment: Buffer, header: FrameHeader, offset: number): StoredRecord | undefined {
  if (header.kind === 'mark') return undefined;
  const payload = segment.subarray(offset, offset + header.payloadBytes);
  if (payload.byteLength < header.payloadBytes || crc32(payload) !== header.payloadChecksum) return undefined;
  return decodeRecord(header.kind, payload, offset);
}

function lengthWithoutZeros(bytes: Buffer): number {
  let end = bytes.byteLength;
  const zeros = Buffer.alloc(65_536);
  while (end >= zeros.byteLength && bytes.subarray(end - zeros.byteLength, end).equals(zeros))
    end -= zeros.byteLength;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
