import { crc32 } from 'node:zlib';
import type { DiskFile, LogIndex, Term, Ticket } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frameSeed,
  readFrameHeader,
  writeFrameHeader,
} from '../src/frame.ts';
import { type EntryLocation, LogMap } from '../src/log-map.ts';
import { EMPTY_STATE, stateDigest } from '../src/log-state.ts';
import { decodeRecord, encodeRecord } from '../src/record-payload.ts';
import { usingWholeFile } from '../src/segment-files.ts';
import { encodeSegmentHead, readSegmentHead } from '../src/segment-head.ts';
import { DISK, entry, GENESIS, hardState, position, testCodec } from './support/entries.ts';

const HEADER: FrameHeader = {
  kind: 'entries',
  ticket: (2 ** 40) as Ticket,
  synced: 7 as Ticket,
  hardState: hardState(9, 'n'.repeat(63)),
  commitFloor: (2 ** 53 - 1) as LogIndex,
  last: position(12, 9),
  exclusion: 'wiped',
  stateDigest: 0xfedcba98,
  payloadBytes: 12,
  payloadChecksum: 0x80000001,
};

function headerBytes(place = 4096, segment = 3): Buffer {
  const bytes = Buffer.alloc(place + FRAME_HEADER_BYTES);
  writeFrameHeader(bytes, place, HEADER, { seed: frameSeed(DISK, segment), place });
  return bytes;
}

describe('a frame header', () => {
  it('is read as it was written', () => {
    expect(readFrameHeader(headerBytes(), 4096, frameSeed(DISK, 3))).toEqual(HEADER);
  });

  it('is none in another segment, at another place or of another disk', () => {
    expect(readFrameHeader(headerBytes(), 4096, frameSeed(DISK, 4))).toBeUndefined();
    expect(readFrameHeader(headerBytes(), 4096, frameSeed('f'.repeat(32) as never, 3))).toBeUndefined();
    const moved = Buffer.concat([
      headerBytes(0).subarray(0, 0),
      Buffer.alloc(8),
      headerBytes().subarray(4096),
    ]);
    expect(readFrameHeader(moved, 8, frameSeed(DISK, 3))).toBeUndefined();
  });

  it('is none with any byte changed', () => {
    const bytes = headerBytes(0);
    for (let at = 0; at < FRAME_HEADER_BYTES; at++) {
      for (const change of [1, 0x80, 0xff]) {
        bytes[at]! ^= change;
        expect(readFrameHeader(bytes, 0, frameSeed(DISK, 3)), `byte ${at}`).toBeUndefined();
        bytes[at]! ^= change;
      }
    }
  });
});

describe('a segment head', () => {
  const head = {
    disk: DISK,
    segment: 5,
    firstTicket: 77 as Ticket,
    state: {
      ...EMPTY_STATE,
      genesis: GENESIS,
      base: { position: position(4, 2), directory: 'd' },
      hardState: hardState(3, 'n2'),
    },
  };
  const expected = { disk: DISK, segment: 5, path: 'p' };

  it('is read from either of its copies', () => {
    const bytes = encodeSegmentHead(head);
    expect(readSegmentHead(bytes, expected)).toEqual(head);
    bytes.fill(0, 0, bytes.length / 2);
    expect(readSegmentHead(bytes, expected)).toEqual(head);
    bytes[bytes.length / 2 + 30]! ^= 1;
    expect(readSegmentHead(bytes, expected)).toBeUndefined();
  });

  it('may be larger than a block', () => {
    const voters = Object.fromEntries(Array.from({ length: 200 }, (_unused, number) => [`n${number}`, DISK]));
    const large = { ...head, state: { ...head.state, genesis: { ...GENESIS, voters } } };
    const bytes = encodeSegmentHead(large);
    bytes[100]! ^= 1;
    expect(readSegmentHead(bytes, expected)).toEqual(large);
  });

  it('of another version is an error of its own', () => {
    const bytes = Buffer.from(encodeSegmentHead(head));
    bytes.writeUInt32LE(2, 8);
    expect(readSegmentHead(bytes, expected)).toBeDefined();
    const other = Buffer.from(encodeSegmentHead(head));
    expect(() => readSegmentHead(withVersion(other, 9), expected)).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_VERSION_MISMATCH' }),
    );
  });
});

describe('the digest of rare state', () => {
  it('does not depend on the order of names', () => {
    const { n1, n2, n3 } = GENESIS.voters as Record<string, never>;
    const other = { ...GENESIS, voters: { n3, n1, n2 } as never };
    expect(stateDigest({ ...EMPTY_STATE, genesis: other })).toBe(
      stateDigest({ ...EMPTY_STATE, genesis: GENESIS }),
    );
    expect(stateDigest(EMPTY_STATE)).not.toBe(stateDigest({ ...EMPTY_STATE, genesis: GENESIS }));
  });
});

describe('a record', () => {
  it('with entries tells where each one lies', () => {
    const entries = [3, 4, 5].map((index) => entry({ index, term: 2, previousTerm: 2, bytes: index * 10 }));
    const payload = encodeRecord({ kind: 'entries', entries }, testCodec.encode);
    const bytes = Buffer.concat(payload.parts);
    const record = decodeRecord('entries', bytes, 0);
    expect(record).toEqual({ kind: 'entries', places: payload.places });
    for (const [at, { offset, length }] of payload.places.entries())
      expect(testCodec.decode(bytes.subarray(offset, offset + length))).toEqual(entries[at]);
  });

  it('of any bytes is read or refused', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom('entries', 'repair', 'genesis', 'base', 'exclusion'),
        (bytes, kind) => {
          decodeRecord(kind as never, Buffer.from(bytes), 0);
        },
      ),
    );
  });
});

describe('the map of the log', () => {
  type Step = { kind: 'append' | 'truncate' | 'drop' | 'reset' | 'takeOut' | 'extend' | 'place'; by: number };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(
      'append',
      'append',
      'append',
      'truncate',
      'drop',
      'reset',
      'takeOut',
      'extend',
      'place',
    ),
    by: fc.nat(300),
  });

  function location(index: number): EntryLocation {
    return { term: (index % 7) as Term, segment: 1 + (index % 5), offset: index * 10, length: index };
  }

  it('holds what a plain map holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new LogMap();
        const model = new Map<number, EntryLocation>();
        let first = 1;
        let last = 0;
        for (const { kind, by } of steps) {
          const inside = first + (last >= first ? by % (last - first + 1) : 0);
          switch (kind) {
            case 'append':
              for (let count = 0; count < by; count++) {
                last++;
                map.append(last as LogIndex, location(last));
                model.set(last, location(last));
              }
              break;
            case 'truncate':
              map.truncateFrom(inside as LogIndex, 1 as Term);
              for (let index = inside; index <= last; index++) model.delete(index);
              last = inside - 1;
              break;
            case 'drop':
              map.dropBelow(inside as LogIndex);
              for (let index = first; index < inside; index++) model.delete(index);
              first = Math.max(first, inside);
              break;
            case 'reset':
              last += by;
              first = last + 1;
              map.reset(position(last, 1));
              model.clear();
              break;
            case 'takeOut':
              map.takeOut(inside as LogIndex);
              model.delete(inside);
              break;
            case 'extend':
              last += 1 + by;
              map.extendTo(position(last, 1));
              break;
            case 'place':
              if (last < first) break;
              map.place(inside as LogIndex, location(inside + 1));
              model.set(inside, location(inside + 1));
              break;
          }
          expect([map.first, map.last.index]).toEqual([first, last]);
        }
        for (let index = first - 2; index <= last + 2; index++)
          expect(map.locate(index)).toEqual(model.get(index));
        const absent = map
          .gaps()
          .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_unused, at) => from + at));
        const expected = Array.from({ length: Math.max(0, last - first + 1) }, (_unused, at) => first + at);
        expect(absent).toEqual(expected.filter((index) => !model.has(index)));
        const lowest = [...model].filter(([index]) => index >= first + 5).map(([, { segment }]) => segment);
        expect(map.lowestSegmentFrom((first + 5) as LogIndex)).toBe(
          Math.min(Number.POSITIVE_INFINITY, ...lowest),
        );
      }),
      { numRuns: process.env.HOLDFAST_LONG === undefined ? 100 : 2000 },
    );
  });
});

/** Both copies, their checksums made right again. */
function withVersion(bytes: Buffer, version: number): Buffer {
  for (const start of [0, bytes.length / 2]) {
    const jsonBytes = bytes.readUInt32LE(start + 12);
    bytes.writeUInt32LE(version, start + 8);
    const sum = crc32(
      bytes.subarray(start + 20, start + 20 + jsonBytes),
      crc32(bytes.subarray(start + 8, start + 16)),
    );
    bytes.writeUInt32LE(sum, start + 16);
  }
  return bytes;
}

describe('a segment read whole', () => {
  const MIB = 2 ** 20;

  /** Answers in the memory that it is offered, and notes that. */
  function fileOf(content: Uint8Array): { file: DiskFile; offered: Set<ArrayBufferLike | undefined> } {
    const offered = new Set<ArrayBufferLike | undefined>();
    const read = async (position: number, length: number, into?: Uint8Array): Promise<Uint8Array> => {
      offered.add(into?.buffer);
      const target = into ?? new Uint8Array(length);
      const piece = content.subarray(position, position + length);
      target.set(piece);
      return target.subarray(0, piece.byteLength);
    };
    return { file: { read, size: async () => content.byteLength } as DiskFile, offered };
  }

  it('is what the file holds, whatever of it is zeros', async () => {
    const content = new Uint8Array(5 * MIB + 7);
    for (const place of [0, MIB - 1, 3 * MIB, 5 * MIB + 6]) content[place] = 1 + (place % 200);
    const equal = await usingWholeFile(fileOf(content).file, (bytes) => Buffer.compare(bytes, content) === 0);
    expect(equal).toBe(true);
  });

  it('leaves nothing in memory but one piece', async () => {
    const { file, offered } = fileOf(new Uint8Array(4 * MIB).fill(7));
    const bytes = await usingWholeFile(file, (whole) => whole);
    expect(bytes.byteLength).toBe(0);
    expect([...offered].map((memory) => memory?.byteLength)).toEqual([MIB]);
  });
});
