import { crc32 } from 'node:zlib';
import type { HardState, LogRecord } from '@holdfast/core';
import type {
  DatabaseUid,
  DiskId,
  Entry,
  Genesis,
  LogIndex,
  NodeId,
  Position,
  Revision,
  Term,
} from '@holdfast/types';

export const DISK = '0123456789abcdef0123456789abcdef' as DiskId;
const DATABASE = 'd'.repeat(32) as DatabaseUid;

export const GENESIS = {
  cluster: 'c'.repeat(32),
  databases: { default: DATABASE },
  voters: { n1: DISK, n2: 'e'.repeat(32), n3: 'f'.repeat(32) },
  limits: { revisionGap: 1_048_576 },
} as unknown as Genesis;

export function position(index: number, term: number): Position {
  return { index: index as LogIndex, term: term as Term };
}

export function hardState(term: number, votedFor?: string): HardState {
  return votedFor === undefined
    ? { term: term as Term }
    : { term: term as Term, votedFor: votedFor as NodeId };
}

/** An entry with a value of so many bytes; `salt` tells entries of one position apart. */
export function entry(at: {
  index: number;
  term: number;
  previousTerm: number;
  bytes?: number;
  salt?: string;
}): Entry {
  const value = new Uint8Array(at.bytes ?? 20).fill(97 + (at.index % 26));
  return {
    database: DATABASE,
    index: at.index as LogIndex,
    term: at.term as Term,
    previousTerm: at.previousTerm as Term,
    logTime: at.index * 10,
    firstRevision: (at.index * 1000) as Revision,
    body: {
      kind: 'requests',
      requests: [
        {
          kind: 'write',
          session: `${at.term}.${at.index}.${at.salt ?? ''}` as never,
          sequence: 1,
          floor: 0,
          ack: 'quorum',
          mutations: [{ kind: 'put', key: new Uint8Array([107]), value }],
          result: { kind: 'written', revision: (at.index * 1000) as Revision },
        },
      ],
    },
  };
}

export function entriesRecord(...entries: Entry[]): LogRecord {
  return { kind: 'entries', entries };
}

/** Readable and strict: what it decodes was encoded here, bit for bit. */
export const testCodec = {
  encode(value: Entry): Uint8Array {
    const text = JSON.stringify(value, (_key, part) =>
      part instanceof Uint8Array ? { bytes: Buffer.from(part).toString('latin1') } : part,
    );
    return Buffer.from(`${text}${String(crc32(text)).padStart(10, '0')}`, 'latin1');
  },
  decode(bytes: Uint8Array): Entry {
    const all = Buffer.from(bytes).toString('latin1');
    const text = all.slice(0, -10);
    if (Number(all.slice(-10)) !== crc32(text)) throw new Error('not an entry');
    return JSON.parse(text, (_key, part) =>
      part !== null && typeof part === 'object' && typeof part.bytes === 'string'
        ? new Uint8Array(Buffer.from(part.bytes, 'latin1'))
        : part,
    ) as Entry;
  },
};

export function nameOf(value: Entry): string {
  return Buffer.from(testCodec.encode(value)).toString('latin1');
}
