import type {
  LogIndex,
  ResultRun,
  Revision,
  SessionId,
  SessionRecord,
  Term,
  WriteResult,
} from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter, UnreadableBytesError } from '../src/bytes.ts';
import { userKey, writeUserKey } from '../src/keys.ts';
import { readUserRecord, UnreadableRecordError, userRecordBytes, writeUserRecord } from '../src/record.ts';
import { decodeSession, encodeSession } from '../src/session-codec.ts';
import { runs } from './support/arbitraries.ts';

const count = fc.maxSafeNat();
const revision = count.map((value) => value as Revision);

const result: fc.Arbitrary<WriteResult> = fc.oneof(
  fc.record({ kind: fc.constant('written' as const), revision }),
  fc.record({ kind: fc.constant('counter' as const), value: fc.maxSafeInteger(), revision }),
  fc.record({ kind: fc.constant('conflict' as const), condition: count, revision }),
  fc.record({ kind: fc.constant('notAnInteger' as const), revision }),
  fc.record({ kind: fc.constant('resultTooLarge' as const), revision }),
  fc.record(
    {
      kind: fc.constant('cleared' as const),
      deleted: count,
      behind: fc.uint8Array({ maxLength: 40 }).map((key) => Buffer.from(key)),
      revision,
    },
    { requiredKeys: ['kind', 'deleted', 'revision'] },
  ),
  fc.record({
    kind: fc.constant('transaction' as const),
    branch: fc.constantFrom('then' as const, 'else' as const),
    steps: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('changed' as const), revision }),
        fc.record({ kind: fc.constant('counter' as const), value: fc.maxSafeInteger(), revision }),
        fc.record({
          kind: fc.constant('found' as const),
          value: fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value)),
          revision,
        }),
        fc.record({ kind: fc.constant('missing' as const) }),
      ),
      { maxLength: 6 },
    ),
    revision,
  }),
);

const place = {
  sequence: count,
  index: count.map((value) => value as LogIndex),
  term: count.map((value) => value as Term),
};

const run: fc.Arbitrary<ResultRun> = fc.oneof(
  fc.record({ kind: fc.constant('plain' as const), count, revision, step: count, ...place }),
  fc.record({ kind: fc.constant('single' as const), result, ...place }),
);

const session: fc.Arbitrary<SessionRecord> = fc.record({
  id: fc.constant('3.14.1' as SessionId),
  floor: count,
  usedAt: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  runs: fc.array(run, { maxLength: 20 }),
});

function storedRecord(
  key: Uint8Array,
  value: Uint8Array,
  at: Revision,
): { key: Uint8Array; stored: Uint8Array } {
  const pool = Buffer.alloc(1 + key.byteLength + userRecordBytes({ value }));
  const keyEnd = writeUserKey(pool, 0, key);
  const end = writeUserRecord(pool, { keyStart: 0, keyEnd }, { value, revision: at });
  expect(end).toBe(pool.byteLength);
  return { key: pool.subarray(0, keyEnd), stored: pool.subarray(keyEnd) };
}

describe('user records', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), revision, (key, value, at) => {
        const { key: stored, stored: record } = storedRecord(key, value, at);
        expect(Buffer.from(userKey(key)).equals(stored)).toBe(true);
        const read = readUserRecord(stored, record);
        expect(read.revision).toBe(at);
        expect(Buffer.from(read.value).equals(value)).toBe(true);
      }),
      runs(500),
    );
  });

  test('with any one bit flipped, cut short or under another key are refused', () => {
    const { key, stored } = storedRecord(Buffer.from('key'), Buffer.from('a value'), 77 as Revision);
    for (let bit = 0; bit < stored.byteLength * 8; bit++) {
      const flipped = Uint8Array.from(stored);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => readUserRecord(key, flipped)).toThrow(UnreadableRecordError);
    }
    for (let length = 0; length < stored.byteLength; length++) {
      expect(() => readUserRecord(key, stored.subarray(0, length))).toThrow(UnreadableRecordError);
    }
    expect(() => readUserRecord(userKey(Buffer.from('kez')), stored)).toThrow(UnreadableRecordError);
  });
});

describe('session records', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(session, (record) => {
        expect(decodeSession(record.id, encodeSession(record))).toEqual(record);
      }),
      runs(500),
    );
  });

  test('any bytes decode or are refused by name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), session.map(cutAndChanged)), (bytes) => {
        try {
          decodeSession('1.1.0' as SessionId, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableBytesError);
        }
      }),
      runs(500),
    );
  });

  test('bytes left over are refused', () => {
    const bytes = encodeSession({ id: '1.1.0' as SessionId, floor: 0, usedAt: 0, runs: [] });
    expect(() => decodeSession('1.1.0' as SessionId, Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(
      '1 bytes too many',
    );
  });

  test('a run of plain results stays small: it is written with every batch', () => {
    const plain: ResultRun = {
      kind: 'plain',
      sequence: 1_000_000,
      count: 64,
      revision: 50_000_000 as Revision,
      step: 1,
      index: 9_000_000 as LogIndex,
      term: 12 as Term,
    };
    const bytes = encodeSession({ id: '1.1.0' as SessionId, floor: 999_999, usedAt: 1234.5, runs: [plain] });
    expect(bytes.byteLength).toBeLessThanOrEqual(32);
  });
});

test('a number beyond the safe range is refused', () => {
  expect(() => new ByteReader(Buffer.from('ffffffffffffff7f', 'hex')).varint()).toThrow('out of range');
  const writer = new ByteWriter();
  writer.varint(Number.MAX_SAFE_INTEGER);
  expect(new ByteReader(writer.finish()).varint()).toBe(Number.MAX_SAFE_INTEGER);
});

function cutAndChanged(record: SessionRecord): Uint8Array {
  const bytes = Uint8Array.from(encodeSession(record));
  const at = bytes.byteLength >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return bytes.subarray(0, bytes.byteLength - (record.floor % 3));
}
