import { crc32 } from 'node:zlib';
import type { LogRecord } from '@holdfast/core';
import type { Entry, Exclusion, Genesis, LogIndex, Position, Term } from '@holdfast/types';
import { readCount, writeCount } from './bytes.ts';

/** Where an entry lies in a payload; later, with the payload's offset added, in a segment. */
export interface EntryPlace {
  readonly index: LogIndex;
  readonly term: Term;
  readonly previousTerm: Term;
  readonly offset: number;
  readonly length: number;
}

export interface RecordPayload {
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
  readonly checksum: number;
  /** Of the record's entries, in order; offsets are from the payload's start. */
  readonly places: readonly EntryPlace[];
}

/** A record as recovery sees it: entries stay on disk. */
export type StoredRecord =
  | { readonly kind: 'entries' | 'repair'; readonly places: readonly EntryPlace[] }
  | { readonly kind: 'genesis'; readonly genesis: Genesis }
  | { readonly kind: 'exclusion'; readonly reason: Exclusion }
  | {
      readonly kind: 'base';
      readonly position: Position;
      readonly directory: string;
      readonly keepTail: boolean;
    };

export const NO_PAYLOAD: RecordPayload = { parts: [], byteLength: 0, checksum: crc32(''), places: [] };

/** Entries: their count (4 bytes), then per entry index, term, previous term (8 each) and length (4), then their bytes. */
const COUNT_BYTES = 4;
const PLACE_BYTES = 28;

export function encodeRecord(record: LogRecord, encode: (entry: Entry) => Uint8Array): RecordPayload {
  if (record.kind === 'entries' || record.kind === 'repair') return encodeEntries(record.entries, encode);
  const bytes = Buffer.from(JSON.stringify(record));
  return { parts: [bytes], byteLength: bytes.byteLength, checksum: crc32(bytes), places: [] };
}

/**
 * Reads a payload whose checksum was found right; undefined if it makes no sense all the same.
 * `offset` is that of the payload in its segment, and what the places are counted from.
 */
export function decodeRecord(
  kind: LogRecord['kind'],
  payload: Buffer,
  offset: number,
): StoredRecord | undefined {
  if (kind === 'entries' || kind === 'repair') {
    const places = decodePlaces(payload, offset);
    return places === undefined ? undefined : { kind, places };
  }
  try {
    const record = JSON.parse(payload.toString('utf8')) as Extract<StoredRecord, { kind: typeof kind }>;
    return record.kind === kind ? record : undefined;
  } catch {
    return undefined;
  }
}

function encodeEntries(entries: readonly Entry[], encode: (entry: Entry) => Uint8Array): RecordPayload {
  const table = Buffer.alloc(COUNT_BYTES + entries.length * PLACE_BYTES);
  table.writeUInt32LE(entries.length, 0);
  const parts: Uint8Array[] = [table];
  const places: EntryPlace[] = [];
  let end = table.byteLength;
  for (const [position, entry] of entries.entries()) {
    const bytes = encode(entry);
    const row = COUNT_BYTES + position * PLACE_BYTES;
    writeCount(table, row, entry.index);
    writeCount(table, row + 8, entry.term);
    writeCount(table, row + 16, entry.previousTerm);
    table.writeUInt32LE(bytes.byteLength, row + 24);
    const { index, term, previousTerm } = entry;
    places.push({ index, term, previousTerm, offset: end, length: bytes.byteLength });
    parts.push(bytes);
    end += bytes.byteLength;
  }
  const checksum = parts.reduce((sum, part) => crc32(part, sum), 0);
  return { parts, byteLength: end, checksum, places };
}

function decodePlaces(payload: Buffer, offset: number): EntryPlace[] | undefined {
  if (payload.byteLength < COUNT_BYTES) return undefined;
  const count = payload.readUInt32LE(0);
  let end = COUNT_BYTES + count * PLACE_BYTES;
  if (end > payload.byteLength) return undefined;
  const places: EntryPlace[] = [];
  for (let row = COUNT_BYTES; places.length < count; row += PLACE_BYTES) {
    const length = payload.readUInt32LE(row + 24);
    places.push({
      index: readCount(payload, row) as LogIndex,
      term: readCount(payload, row + 8) as Term,
      previousTerm: readCount(payload, row + 16) as Term,
      offset: offset + end,
      length,
    });
    end += length;
  }
  return end === payload.byteLength ? places : undefined;
}
