import { crc32 } from 'node:zlib';
import {
  assert,
  assertNever,
  type Entry,
  type EntryBody,
  HoldfastError,
  type Revision,
} from '@holdfast/types';
import { packRequests, readRequests } from './entry-requests.ts';
import {
  count,
  databaseUid,
  duration,
  list,
  logIndex,
  nodeId,
  parts,
  positive,
  revision,
  term,
} from './fields.ts';
import { invalid } from './invalid.ts';
import { type Packable, packShared, unpack } from './message-pack.ts';

/**
 * First part of every entry; a change of the format takes the next number. Logs of older nodes hold 1, to which 2 added
 * results of transactions, 3 expiries, and 4 results of clears: what is in an older one means the same in the newest.
 */
const FORMAT = 4;
const FORMATS: readonly unknown[] = [1, 2, 3, FORMAT];

const OPENING = 0;
const NOOP = 1;
const REQUESTS = 2;

/** [format, database, index, term, previous term, log time, first revision, kind, …body] */
const HEAD_PARTS = 8;
const CHECKSUM_BYTES = 4;

/**
 * Entries as bytes: made once by the primary, checked by every receiver, stored and sent on unchanged.
 *
 * `encode` of an entry that came from `decode`, or was encoded before, gives the same bytes without work.
 * Memory: what `encode` gives belongs to the entry and must not be changed. Keys and values of a decoded entry are
 * views into the bytes given to `decode`; they too must stay as they are, and live as long as the entry.
 */
export class EntryCodec {
  readonly #bytes: WeakMap<Entry, Uint8Array> = new WeakMap();

  encode(entry: Entry): Uint8Array {
    let bytes = this.#bytes.get(entry);
    if (bytes === undefined) {
      bytes = sealed(packShared(packEntry(entry)));
      this.#bytes.set(entry, bytes);
    }
    return bytes;
  }

  /**
   * Throws HOLDFAST_VERSION_MISMATCH for what a newer version of this made, HOLDFAST_INVALID_MESSAGE for anything
   * else that `encode` did not make.
   */
  decode(bytes: Uint8Array): Entry {
    const entry = readEntry(unpack(unsealed(bytes)));
    this.#bytes.set(entry, bytes);
    return entry;
  }
}

/** With a CRC-32 (of zlib, big-endian) over all before it. */
function sealed(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(content.length + CHECKSUM_BYTES);
  bytes.set(content);
  const checksum = crc32(content);
  bytes[content.length] = checksum >>> 24;
  bytes[content.length + 1] = checksum >>> 16;
  bytes[content.length + 2] = checksum >>> 8;
  bytes[content.length + 3] = checksum;
  return bytes;
}

function unsealed(bytes: Uint8Array): Uint8Array {
  const length = bytes.length - CHECKSUM_BYTES;
  if (length < 1) throw invalid('checksum', 'missing');
  const content = bytes.subarray(0, length);
  const stated =
    ((bytes[length]! << 24) | (bytes[length + 1]! << 16) | (bytes[length + 2]! << 8) | bytes[length + 3]!) >>>
    0;
  if (crc32(content) !== stated) throw invalid('checksum', 'does not match');
  return content;
}

function packEntry(entry: Entry): Packable[] {
  assert(
    entry.index >= 1 && entry.term >= 1 && entry.previousTerm <= entry.term,
    'an entry must follow one before it',
  );
  const head: Packable[] = [
    FORMAT,
    entry.database,
    entry.index,
    entry.term,
    entry.previousTerm,
    entry.logTime,
    entry.firstRevision,
  ];
  const { body } = entry;
  switch (body.kind) {
    case 'opening':
      head.push(OPENING, body.primary);
      return head;
    case 'noop':
      head.push(NOOP);
      return head;
    case 'requests':
      head.push(REQUESTS, ...packRequests(body.requests, entry.firstRevision));
      return head;
    default:
      return assertNever(body);
  }
}

function readEntry(packed: readonly unknown[]): Entry {
  list(packed, 'entry', { min: HEAD_PARTS });
  if (!FORMATS.includes(packed[0])) throw unknownFormat(packed[0]);
  const firstRevision = revision(packed[6], 'firstRevision');
  const entry: Entry = {
    database: databaseUid(packed[1], 'database'),
    index: logIndex(positive(packed[2], 'index'), 'index'),
    term: term(positive(packed[3], 'term'), 'term'),
    previousTerm: term(count(packed[4], 'previousTerm'), 'previousTerm'),
    logTime: duration(packed[5], 'logTime'),
    firstRevision,
    body: readBody(packed, firstRevision),
  };
  if (entry.previousTerm > entry.term) throw invalid('previousTerm', 'above the term');
  return entry;
}

/** A checksum held: what has a format above ours is sound, and for newer programs. */
function unknownFormat(format: unknown): HoldfastError {
  if (!Number.isSafeInteger(format) || (format as number) < FORMAT)
    return invalid('format', `none of ${FORMATS.join(', ')}`);
  const message = `an entry of format ${format as number}; this program knows up to ${FORMAT}`;
  return new HoldfastError('HOLDFAST_VERSION_MISMATCH', message);
}

function readBody(packed: readonly unknown[], firstRevision: Revision): EntryBody {
  switch (packed[7]) {
    case OPENING:
      parts(packed, 'opening', HEAD_PARTS + 1);
      return { kind: 'opening', primary: nodeId(packed[8], 'primary') };
    case NOOP:
      parts(packed, 'noop', HEAD_PARTS);
      return { kind: 'noop' };
    case REQUESTS:
      parts(packed, 'requests', HEAD_PARTS + 2);
      return { kind: 'requests', requests: readRequests(packed[8], packed[9], firstRevision) };
    default:
      throw invalid('body.kind', 'unknown code');
  }
}
