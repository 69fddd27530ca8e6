import {
  assertNever,
  type DatabaseUid,
  type Entry,
  type EntryTrace,
  LIMITS,
  type LogIndex,
  type PeerMessage,
} from '@holdfast/types';
import type { EntryCodec } from './entry-codec.ts';
import {
  binary,
  choice,
  codeOf,
  count,
  databaseUidOrNone,
  diskId,
  duration,
  each,
  flag,
  list,
  logIndex,
  nodeId,
  optional,
  orNil,
  parts,
  position,
  term,
} from './fields.ts';
import { packGenesis, readGenesis } from './genesis.ts';
import { invalid, within } from './invalid.ts';
import { type Packable, pack, unpack } from './message-pack.ts';
import { EXCLUSIONS, readExclusion, readVoter, VOTERS_MAX } from './peer-hello.ts';
import { packTraces, readTraces } from './traceparent.ts';

/** A batch of messages about one database; the uid is empty before the cluster has formed. */
export interface PeerFrame {
  readonly database: DatabaseUid | '';
  readonly messages: readonly PeerMessage[];
  /** Of entries in its appends that hold a sampled request. Cores know nothing of them. */
  readonly traces?: readonly EntryTrace[];
}

/** The code of a kind is its place here. New kinds go to the end. */
const KINDS = [
  'append',
  'appendMatch',
  'heartbeat',
  'heartbeatReply',
  'appendConflict',
  'preVote',
  'preVoteReply',
  'vote',
  'voteReply',
  'resigned',
  'higherTerm',
  'readIndex',
  'readIndexReply',
  'stand',
  'met',
  'genesis',
  'excluded',
  'pull',
  'pulled',
  'snapshotWanted',
] as const satisfies readonly PeerMessage['kind'][];

/** What stands in the place of a message: not one of the cores, and only there if something is sampled. */
const TRACES = KINDS.length;

const CODES: Readonly<Record<PeerMessage['kind'], number>> = Object.fromEntries(
  KINDS.map((kind, code) => [kind, code]),
) as Record<PeerMessage['kind'], number>;

const PRE_VOTE_REASONS = ['granted', 'sticky', 'log', 'term', 'excluded', 'standing'] as const;

/**
 * [database, message, message, …], each message [code, …parts]. Entries are embedded as the bytes they have. Traces go
 * before the messages.
 */
export function encodePeerFrame(frame: PeerFrame, entries: EntryCodec): Uint8Array {
  const packed: Packable[] = [frame.database];
  if (frame.traces !== undefined) packed.push(packEntryTraces(frame.traces));
  for (const message of frame.messages) packed.push(packMessage(message, entries));
  return pack(packed);
}

/**
 * Throws HOLDFAST_INVALID_MESSAGE. Entries are checked by their checksums; their keys and values are views into
 * `bytes`.
 */
export function decodePeerFrame(bytes: Uint8Array, entries: EntryCodec): PeerFrame {
  if (bytes.length > LIMITS.peerFrameBytesMax)
    throw invalid('frame', `longer than ${LIMITS.peerFrameBytesMax} bytes`);
  const packed = list(unpack(bytes), 'frame', { min: 1 });
  const database = databaseUidOrNone(packed[0], 'database');
  const messages: PeerMessage[] = [];
  const traces = readEntryTraces(packed[1]);
  let place = traces === undefined ? 1 : 2;
  try {
    for (; place < packed.length; place += 1) messages.push(readMessage(packed[place], entries));
  } catch (error) {
    throw within(error, `messages[${place - 1}]`);
  }
  return traces === undefined ? { database, messages } : { database, messages, traces };
}

function packEntryTraces(traces: readonly EntryTrace[]): Packable[] {
  return packTraces(
    TRACES,
    traces.map(({ index, traceparent }) => ({ id: index, traceparent })),
  );
}

function readEntryTraces(value: unknown): EntryTrace[] | undefined {
  if (!Array.isArray(value) || value[0] !== TRACES) return undefined;
  return readTraces(value).map(({ id, traceparent }) => ({ index: id as LogIndex, traceparent }));
}

function packMessage(message: PeerMessage, entries: EntryCodec): Packable[] {
  const code = CODES[message.kind];
  switch (message.kind) {
    case 'append': {
      const { previous } = message;
      const packed: Packable[] = [code, message.term, previous.index, previous.term, message.commit];
      for (const entry of message.entries) packed.push(entries.encode(entry));
      return packed;
    }
    case 'appendMatch':
      return [code, message.term, message.match];
    case 'heartbeat': {
      const { echo } = message;
      return [
        code,
        message.term,
        message.round,
        message.commit,
        message.successors,
        echo?.sentAt ?? null,
        echo?.commit ?? null,
      ];
    }
    case 'heartbeatReply':
      return [code, message.term, message.round, message.sentAt, message.applied];
    case 'appendConflict': {
      const { hint, last } = message;
      return [code, message.term, message.rejected, hint.index, hint.term, last.index, last.term];
    }
    case 'preVote':
      return [code, message.term, message.last.index, message.last.term, message.rank];
    case 'preVoteReply':
      return [code, message.term, message.granted, codeOf(message.reason, PRE_VOTE_REASONS)];
    case 'vote':
      return [code, message.term, message.last.index, message.last.term, orNil(message.transferFrom)];
    case 'voteReply':
      return [code, message.term, message.granted];
    case 'resigned':
    case 'higherTerm':
    case 'snapshotWanted':
      return [code, message.term];
    case 'readIndex':
      return [code, message.term, message.id, message.remainingMs];
    case 'readIndexReply':
      return [code, message.term, message.id, orNil(message.index)];
    case 'stand':
      return [code, message.term, message.last.index, message.last.term];
    case 'met':
      return [code, message.disks];
    case 'genesis':
      return [code, packGenesis(message.genesis)];
    case 'excluded':
      return [code, codeOf(message.reason, EXCLUSIONS)];
    case 'pull':
      return [code, message.index, message.term];
    case 'pulled':
      return [code, message.index, message.entry === undefined ? null : entries.encode(message.entry)];
    default:
      return assertNever(message);
  }
}

function readMessage(value: unknown, entries: EntryCodec): PeerMessage {
  const packed = list(value, 'message', { min: 1 });
  const kind = choice(packed[0], KINDS, 'kind');
  try {
    return readKind(kind, packed, entries);
  } catch (error) {
    throw within(error, kind);
  }
}

function readKind(kind: PeerMessage['kind'], packed: readonly unknown[], entries: EntryCodec): PeerMessage {
  switch (kind) {
    case 'append':
      list(packed, 'message', { min: 5 });
      return {
        kind,
        term: term(packed[1], 'term'),
        previous: position(packed[2], packed[3], 'previous'),
        entries: readEntries(packed, 5, entries),
        commit: logIndex(packed[4], 'commit'),
      };
    case 'appendMatch':
      parts(packed, 'message', 3);
      return { kind, term: term(packed[1], 'term'), match: logIndex(packed[2], 'match') };
    case 'heartbeat':
      return readHeartbeat(packed);
    case 'heartbeatReply':
      parts(packed, 'message', 5);
      return {
        kind,
        term: term(packed[1], 'term'),
        round: count(packed[2], 'round'),
        sentAt: duration(packed[3], 'sentAt'),
        applied: logIndex(packed[4], 'applied'),
      };
    case 'appendConflict':
      parts(packed, 'message', 7);
      return {
        kind,
        term: term(packed[1], 'term'),
        rejected: logIndex(packed[2], 'rejected'),
        hint: position(packed[3], packed[4], 'hint'),
        last: position(packed[5], packed[6], 'last'),
      };
    case 'preVote':
      parts(packed, 'message', 5);
      return {
        kind,
        term: term(packed[1], 'term'),
        last: position(packed[2], packed[3], 'last'),
        rank: count(packed[4], 'rank'),
      };
    case 'preVoteReply':
      parts(packed, 'message', 4);
      return {
        kind,
        term: term(packed[1], 'term'),
        granted: flag(packed[2], 'granted'),
        reason: choice(packed[3], PRE_VOTE_REASONS, 'reason'),
      };
    case 'vote': {
      parts(packed, 'message', 5);
      const transferFrom = optional(packed[4], 'transferFrom', nodeId);
      return {
        kind,
        term: term(packed[1], 'term'),
        last: position(packed[2], packed[3], 'last'),
        ...(transferFrom === undefined ? {} : { transferFrom }),
      };
    }
    case 'voteReply':
      parts(packed, 'message', 3);
      return { kind, term: term(packed[1], 'term'), granted: flag(packed[2], 'granted') };
    case 'resigned':
    case 'higherTerm':
    case 'snapshotWanted':
      parts(packed, 'message', 2);
      return { kind, term: term(packed[1], 'term') };
    case 'readIndex':
      parts(packed, 'message', 4);
      return {
        kind,
        term: term(packed[1], 'term'),
        id: count(packed[2], 'id'),
        remainingMs: count(packed[3], 'remainingMs'),
      };
    case 'readIndexReply': {
      parts(packed, 'message', 4);
      const index = optional(packed[3], 'index', logIndex);
      return {
        kind,
        term: term(packed[1], 'term'),
        id: count(packed[2], 'id'),
        ...(index === undefined ? {} : { index }),
      };
    }
    case 'stand':
      parts(packed, 'message', 4);
      return { kind, term: term(packed[1], 'term'), last: position(packed[2], packed[3], 'last') };
    case 'met':
      parts(packed, 'message', 2);
      return { kind, disks: each(list(packed[1], 'disks', { max: VOTERS_MAX }), 'disks', readDisk) };
    case 'genesis':
      parts(packed, 'message', 2);
      return { kind, genesis: readGenesis(packed[1]) };
    case 'excluded':
      parts(packed, 'message', 2);
      return { kind, reason: readExclusion(packed[1], 'reason') };
    case 'pull':
      parts(packed, 'message', 3);
      return { kind, index: logIndex(packed[1], 'index'), term: term(packed[2], 'term') };
    case 'pulled':
      return readPulled(packed, entries);
    default:
      return assertNever(kind);
  }
}

function readEntries(packed: readonly unknown[], from: number, entries: EntryCodec): Entry[] {
  const decoded: Entry[] = [];
  for (let place = from; place < packed.length; place += 1) {
    try {
      decoded.push(entries.decode(binary(packed[place], 'bytes')));
    } catch (error) {
      throw within(error, `entries[${place - from}]`);
    }
  }
  return decoded;
}

function readHeartbeat(packed: readonly unknown[]): PeerMessage {
  parts(packed, 'message', 7);
  const sentAt = optional(packed[5], 'echo.sentAt', duration);
  const commit = optional(packed[6], 'echo.commit', logIndex);
  if ((sentAt === undefined) !== (commit === undefined)) throw invalid('echo', 'half of it is missing');
  return {
    kind: 'heartbeat',
    term: term(packed[1], 'term'),
    round: count(packed[2], 'round'),
    commit: logIndex(packed[3], 'commit'),
    successors: each(list(packed[4], 'successors', { max: VOTERS_MAX }), 'successors', readVoter),
    ...(sentAt === undefined || commit === undefined ? {} : { echo: { sentAt, commit } }),
  };
}

function readPulled(packed: readonly unknown[], entries: EntryCodec): PeerMessage {
  parts(packed, 'message', 3);
  const index = logIndex(packed[1], 'index');
  if (packed[2] === null) return { kind: 'pulled', index };
  return { kind: 'pulled', index, entry: readEntries(packed, 2, entries)[0]! };
}

function readDisk(value: unknown): string {
  return diskId(value, 'disk');
}
