import {
  type Ack,
  type Entry,
  forEachMutation,
  type LogIndex,
  type Mutation,
  mutationsOf,
  type Revision,
  type SessionId,
  type Term,
  type WriteResult,
} from '@holdfast/types';
import { ByteReader, ByteWriter, UnreadableBytesError } from './bytes.ts';
import { decodeResult, encodeResult } from './session-codec.ts';

/** A mutation that a failover lost, with the revision it had: no other mutation ever had it. */
export type DivergedMutation = Mutation & { readonly revision: Revision };

/** One client request of a lost entry. */
export interface DivergedWrite {
  readonly session: SessionId;
  readonly sequence: number;
  /** The level asked for; `local` may have been acknowledged. */
  readonly ack: Ack;
  readonly result: WriteResult;
  readonly mutations: readonly DivergedMutation[];
}

export interface DivergedSummary {
  /** `<database>.<index>.<term>`: the same on every node that files it. */
  readonly id: string;
  readonly database: string;
  readonly index: LogIndex;
  readonly term: Term;
  /** Milliseconds of log time. */
  readonly logTime: number;
  /** History reaches too short to say whether it survived: re-applied only by force. */
  readonly undecided: boolean;
  readonly writeCount: number;
  readonly mutationCount: number;
  /** Keys and values together. */
  readonly bytes: number;
  /** Writes by the level asked for. */
  readonly asked: Readonly<Record<Ack, number>>;
}

/** A filed entry with everything in it. */
export interface DivergedEntry extends DivergedSummary {
  readonly writes: readonly DivergedWrite[];
}

const ACKS: readonly Ack[] = ['local', 'quorum', 'all'];
const MUTATION = { put: 1, del: 2, expiringPut: 3 } as const;

/** What is lost with `entry`; undefined if it changes no key. */
export function divergedEntryOf(
  database: string,
  entry: Entry,
  undecided: boolean,
): DivergedEntry | undefined {
  if (entry.body.kind !== 'requests') return undefined;
  const revisions: Revision[] = [];
  forEachMutation(entry, (_, revision) => revisions.push(revision));
  let next = 0;
  const writes: DivergedWrite[] = [];
  for (const request of entry.body.requests) {
    if (request.kind !== 'write') {
      // An expiry that is lost is found again: nobody was told of it.
      next += mutationsOf(request).length;
      continue;
    }
    if (request.mutations.length === 0) continue;
    const { session, sequence, ack, result } = request;
    const mutations = request.mutations.map((mutation) => filed(mutation, revisions[next++]!));
    writes.push({ session, sequence, ack, result, mutations });
  }
  if (writes.length === 0) return undefined;
  const { index, term, logTime } = entry;
  return { ...summaryOf({ database, index, term, logTime, undecided }, writes), writes };
}

/** What it replaced is of no interest any more. */
function filed(mutation: Mutation, revision: Revision): DivergedMutation {
  if (mutation.kind === 'del') return { ...mutation, revision };
  const { formerExpiry: _, ...put } = mutation;
  return { ...put, revision };
}

export function encodeDivergedEntry(entry: DivergedEntry): Uint8Array {
  const writer = new ByteWriter();
  writer.text(entry.database);
  writer.varint(entry.index);
  writer.varint(entry.term);
  writer.float64(entry.logTime);
  writer.u8(entry.undecided ? 1 : 0);
  writer.varint(entry.writes.length);
  for (const write of entry.writes) {
    writer.text(write.session);
    writer.varint(write.sequence);
    writer.u8(ACKS.indexOf(write.ack));
    encodeResult(writer, write.result);
    writer.varint(write.mutations.length);
    for (const mutation of write.mutations) encodeMutation(writer, mutation);
  }
  return writer.finish();
}

/** Throws `UnreadableBytesError` for anything that `encodeDivergedEntry` did not write. */
export function decodeDivergedEntry(bytes: Uint8Array): DivergedEntry {
  const reader = new ByteReader(bytes);
  const database = reader.text();
  const index = reader.varint() as LogIndex;
  const term = reader.varint() as Term;
  const logTime = reader.float64();
  const undecided = reader.u8() === 1;
  const writes: DivergedWrite[] = [];
  for (let left = reader.varint(); left > 0; left--) writes.push(decodeWrite(reader));
  reader.end();
  return { ...summaryOf({ database, index, term, logTime, undecided }, writes), writes };
}

export function divergedId(
  database: string,
  entry: { readonly index: LogIndex; readonly term: Term },
): string {
  return `${database}.${entry.index}.${entry.term}`;
}

function summaryOf(
  place: Pick<DivergedSummary, 'database' | 'index' | 'term' | 'logTime' | 'undecided'>,
  writes: readonly DivergedWrite[],
): DivergedSummary {
  const asked: Record<Ack, number> = { local: 0, quorum: 0, all: 0 };
  let mutationCount = 0;
  let bytes = 0;
  for (const write of writes) {
    asked[write.ack] += 1;
    mutationCount += write.mutations.length;
    for (const mutation of write.mutations) {
      bytes += mutation.key.byteLength + (mutation.kind === 'put' ? mutation.value.byteLength : 0);
    }
  }
  return {
    id: divergedId(place.database, place),
    ...place,
    writeCount: writes.length,
    mutationCount,
    bytes,
    asked,
  };
}

function encodeMutation(writer: ByteWriter, mutation: DivergedMutation): void {
  const isExpiring = mutation.kind === 'put' && mutation.expiresAt !== undefined;
  writer.u8(isExpiring ? MUTATION.expiringPut : MUTATION[mutation.kind]);
  writer.varint(mutation.revision);
  writer.bytes(mutation.key);
  if (mutation.kind === 'del') return;
  writer.bytes(mutation.value);
  if (mutation.expiresAt !== undefined) writer.varint(mutation.expiresAt);
}

function decodeWrite(reader: ByteReader): DivergedWrite {
  const session = reader.text() as SessionId;
  const sequence = reader.varint();
  const ack = ACKS[reader.u8()];
  if (ack === undefined) throw new UnreadableBytesError('an acknowledgement level is unknown');
  const result = decodeResult(reader);
  const mutations: DivergedMutation[] = [];
  for (let left = reader.varint(); left > 0; left--) mutations.push(decodeMutation(reader));
  return { session, sequence, ack, result, mutations };
}

function decodeMutation(reader: ByteReader): DivergedMutation {
  const kind = reader.u8();
  const revision = reader.varint() as Revision;
  const key = reader.bytes();
  if (kind === MUTATION.del) return { kind: 'del', key, revision };
  if (kind === MUTATION.put) return { kind: 'put', key, value: reader.bytes(), revision };
  if (kind !== MUTATION.expiringPut) throw new UnreadableBytesError(`mutation kind ${kind} is unknown`);
  return { kind: 'put', key, value: reader.bytes(), expiresAt: reader.varint(), revision };
}
