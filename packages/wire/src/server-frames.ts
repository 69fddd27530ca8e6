import {
  type Ack,
  assertNever,
  type DatabaseUid,
  type ErrorCode,
  isErrorCode,
  type Outcome,
  type ReadAnswer,
  type ReadItem,
  type ReadReply,
  type ServerMessage,
  type Topology,
  type TopologyNode,
  type WireError,
  type WriteReceipt,
  type WriteReply,
} from '@holdfast/types';
import { ACKS } from './entry-requests.ts';
import {
  binary,
  choice,
  clusterId,
  codeOf,
  count,
  databaseUidOrNone,
  duration,
  each,
  flag,
  integer,
  list,
  logIndex,
  nodeId,
  optional,
  orNil,
  parts,
  revision,
  sessionId,
  shortened,
  staleness,
  term,
  text,
} from './fields.ts';
import { invalid, ofVersion, within } from './invalid.ts';
import { type Packable, pack, unpack } from './message-pack.ts';
import { readRecords } from './snapshot-frames.ts';
import { packWatchAnswer, readWatchAnswer } from './watch-frames.ts';
import { pushWriteResult, RESULT_PARTS, readWriteResult } from './write-result.ts';

/** The code of a kind is its place here. New kinds go to the end. */
const KINDS = [
  'welcome',
  'topology',
  'sessionOpened',
  'sessionClosed',
  'writeReplies',
  'readReplies',
  'scanPage',
  'pong',
  'failed',
  'snapshotOpened',
  'scanOpened',
  'watchOpened',
  'watchEvents',
] as const satisfies readonly ServerMessage['kind'][];

const OUTCOMES: readonly Outcome[] = ['not-applied', 'applied', 'unknown'];

/** A reply to one request: [id, DONE, …] or [id, FAILED, …error]. */
const DONE = 0;
const FAILED = 1;

/** [id, DONE, term, index, ack, copies, repeated, …result] */
const RECEIPT_PARTS: number = 7 + RESULT_PARTS;
const ERROR_PARTS = 6;
/** [id, DONE, revision, staleness, items], and what is said of those that expire. */
const ANSWER_PARTS = 5;

/** [message, message, …], each [code, …parts]. */
export function encodeServerMessages(messages: readonly ServerMessage[]): Uint8Array {
  return pack(messages.map(packMessage));
}

/** Throws HOLDFAST_INVALID_MESSAGE, and HOLDFAST_VERSION_MISMATCH for a welcome of another shape and version. Values and records are views into `bytes`. */
export function decodeServerMessages(bytes: Uint8Array): ServerMessage[] {
  return each(list(unpack(bytes), 'messages'), 'messages', readMessage);
}

function packMessage(message: ServerMessage): Packable[] {
  const code = KINDS.indexOf(message.kind);
  switch (message.kind) {
    case 'welcome':
      return [
        code,
        message.protocol,
        orNil(message.cluster),
        message.database,
        message.node,
        codeOf(message.defaultAck, ACKS),
        packTopology(message.topology),
      ];
    case 'topology':
      return [code, packTopology(message.topology)];
    case 'sessionOpened':
      return [code, message.id, message.session];
    case 'sessionClosed':
    case 'pong':
      return [code, message.id];
    case 'writeReplies': {
      const packed: Packable[] = [code];
      for (const reply of message.replies) {
        packed.push(
          'receipt' in reply ? packReceipt(reply.id, reply.receipt) : packFailure(reply.id, reply.error),
        );
      }
      return packed;
    }
    case 'readReplies': {
      const packed: Packable[] = [code];
      for (const reply of message.replies) {
        packed.push(
          'answer' in reply ? packAnswer(reply.id, reply.answer) : packFailure(reply.id, reply.error),
        );
      }
      return packed;
    }
    case 'scanPage':
      return [code, message.id, message.records, message.done, message.revision, message.stalenessMs];
    case 'failed':
      return [code, message.id, packError(message.error)];
    case 'snapshotOpened':
      return [code, message.id, message.revision, message.stalenessMs];
    case 'scanOpened':
      return [code, message.id, message.revision];
    case 'watchOpened':
    case 'watchEvents':
      return packWatchAnswer(code, message);
    default:
      return assertNever(message);
  }
}

function packTopology(topology: Topology): Packable[] {
  const nodes: Packable[] = [];
  for (const { id, url, zone } of topology.nodes)
    nodes.push([id, shortened(url), zone === undefined ? null : shortened(zone)]);
  return [topology.term, orNil(topology.primary), nodes];
}

function packReceipt(id: number, receipt: WriteReceipt): Packable[] {
  const packed: Packable[] = [
    id,
    DONE,
    receipt.term,
    receipt.index,
    codeOf(receipt.ack, ACKS),
    receipt.copies,
    receipt.repeated,
  ];
  pushWriteResult(packed, receipt.result);
  return packed;
}

/**
 * Items lie flat: value, revision, …; no value: no such key. If some of them expire a further part says so, as flat:
 * place of the item, time to live, ….
 */
function packAnswer(id: number, answer: ReadAnswer): Packable[] {
  const items: Packable[] = [];
  let expiring: Packable[] | undefined;
  for (const item of answer.items) {
    if (item?.ttlMs !== undefined) {
      expiring ??= [];
      expiring.push(items.length / 2, item.ttlMs);
    }
    if (item === undefined) items.push(null, 0);
    else items.push(item.value, item.revision);
  }
  const packed = [id, DONE, answer.revision, answer.stalenessMs, items];
  return expiring === undefined ? packed : [...packed, expiring];
}

function packFailure(id: number, error: WireError): Packable[] {
  return [id, FAILED, packError(error)];
}

function packError(error: WireError): Packable[] {
  return [
    error.code,
    shortened(error.message),
    codeOf(error.outcome, OUTCOMES),
    error.retryable,
    orNil(error.retryAfterMs),
    orNil(error.detail),
  ];
}

function readMessage(value: unknown): ServerMessage {
  const packed = list(value, 'message', { min: 1 });
  const kind = choice(packed[0], KINDS, 'kind');
  try {
    return readKind(kind, packed);
  } catch (error) {
    throw within(error, kind);
  }
}

function readKind(kind: ServerMessage['kind'], packed: readonly unknown[]): ServerMessage {
  switch (kind) {
    case 'welcome': {
      const protocol = count(packed[1], 'protocol');
      return ofVersion(protocol, () => readWelcome(protocol, packed));
    }
    case 'topology':
      parts(packed, 'message', 2);
      return { kind, topology: readTopology(packed[1]) };
    case 'sessionOpened':
      parts(packed, 'message', 3);
      return { kind, id: count(packed[1], 'id'), session: sessionId(packed[2], 'session') };
    case 'sessionClosed':
    case 'pong':
      parts(packed, 'message', 2);
      return { kind, id: count(packed[1], 'id') };
    case 'writeReplies':
      return { kind, replies: each(packed.slice(1), 'replies', readWriteReply) };
    case 'readReplies':
      return { kind, replies: each(packed.slice(1), 'replies', readReadReply) };
    case 'scanPage':
      parts(packed, 'message', 6);
      return {
        kind,
        id: count(packed[1], 'id'),
        records: readRecords(packed[2]),
        done: flag(packed[3], 'done'),
        revision: revision(packed[4], 'revision'),
        stalenessMs: staleness(packed[5], 'stalenessMs'),
      };
    case 'failed':
      parts(packed, 'message', 3);
      return { kind, id: count(packed[1], 'id'), error: readError(packed[2]) };
    case 'snapshotOpened':
      parts(packed, 'message', 4);
      return {
        kind,
        id: count(packed[1], 'id'),
        revision: revision(packed[2], 'revision'),
        stalenessMs: staleness(packed[3], 'stalenessMs'),
      };
    case 'scanOpened':
      parts(packed, 'message', 3);
      return { kind, id: count(packed[1], 'id'), revision: revision(packed[2], 'revision') };
    case 'watchOpened':
    case 'watchEvents':
      return readWatchAnswer(kind, packed);
    default:
      return assertNever(kind);
  }
}

function readWelcome(protocol: number, packed: readonly unknown[]): ServerMessage {
  parts(packed, 'message', 7);
  const cluster = optional(packed[2], 'cluster', clusterId);
  return {
    kind: 'welcome',
    protocol,
    ...(cluster === undefined ? {} : { cluster }),
    database: databaseUidOrNone(packed[3], 'database') as DatabaseUid,
    node: nodeId(packed[4], 'node'),
    defaultAck: choice(packed[5], ACKS, 'defaultAck'),
    topology: readTopology(packed[6]),
  };
}

function readTopology(value: unknown): Topology {
  const packed = parts(value, 'topology', 3);
  const primary = optional(packed[1], 'topology.primary', nodeId);
  return {
    term: term(packed[0], 'topology.term'),
    ...(primary === undefined ? {} : { primary }),
    nodes: each(list(packed[2], 'topology.nodes'), 'topology.nodes', readNode),
  };
}

function readNode(value: unknown): TopologyNode {
  const packed = parts(value, 'node', 3);
  const zone = optional(packed[2], 'zone', text);
  return {
    id: nodeId(packed[0], 'id'),
    url: text(packed[1], 'url'),
    ...(zone === undefined ? {} : { zone }),
  };
}

function readWriteReply(value: unknown): WriteReply {
  const packed = list(value, 'reply', { min: 2 });
  const id = count(packed[0], 'id');
  if (packed[1] !== DONE) return readFailure(id, packed);
  parts(packed, 'receipt', RECEIPT_PARTS);
  const ack: Ack = choice(packed[4], ACKS, 'ack');
  return {
    id,
    receipt: {
      result: readWriteResult(packed, 7),
      term: term(packed[2], 'term'),
      index: logIndex(packed[3], 'index'),
      ack,
      copies: count(packed[5], 'copies'),
      repeated: flag(packed[6], 'repeated'),
    },
  };
}

function readReadReply(value: unknown): ReadReply {
  const packed = list(value, 'reply', { min: 2 });
  const id = count(packed[0], 'id');
  if (packed[1] !== DONE) return readFailure(id, packed);
  list(packed, 'answer', { min: ANSWER_PARTS, max: ANSWER_PARTS + 1 });
  const items = readItems(packed[4]);
  if (packed.length > ANSWER_PARTS) readExpiring(items, packed[ANSWER_PARTS]);
  return {
    id,
    answer: {
      items,
      revision: revision(packed[2], 'revision'),
      stalenessMs: staleness(packed[3], 'stalenessMs'),
    },
  };
}

function readItems(value: unknown): (ReadItem | undefined)[] {
  const flat = list(value, 'items');
  if (flat.length % 2 !== 0) throw invalid('items', 'a value without a revision');
  const items: (ReadItem | undefined)[] = [];
  for (let place = 0; place < flat.length; place += 2) {
    const itemRevision = revision(flat[place + 1], 'items.revision');
    const found = flat[place] !== null;
    items.push(found ? { value: binary(flat[place], 'items.value'), revision: itemRevision } : undefined);
  }
  return items;
}

/** Adds their times to live to the items that have one. */
function readExpiring(items: (ReadItem | undefined)[], value: unknown): void {
  const flat = list(value, 'expiring', { min: 2 });
  if (flat.length % 2 !== 0) throw invalid('expiring', 'a place without a time');
  for (let at = 0; at < flat.length; at += 2) {
    const place = count(flat[at], 'expiring.place');
    const item = items[place];
    if (item === undefined) throw invalid('expiring.place', 'not that of an item');
    items[place] = { ...item, ttlMs: count(flat[at + 1], 'expiring.ttlMs') };
  }
}

function readFailure(id: number, packed: readonly unknown[]): { id: number; error: WireError } {
  if (packed[1] !== FAILED) throw invalid('reply', 'neither done nor failed');
  parts(packed, 'failure', 3);
  return { id, error: readError(packed[2]) };
}

function readError(value: unknown): WireError {
  const packed = parts(value, 'error', ERROR_PARTS);
  const retryAfterMs = optional(packed[4], 'error.retryAfterMs', duration);
  const detail = optional(packed[5], 'error.detail', integer);
  return {
    code: readCode(packed[0]),
    message: text(packed[1], 'error.message'),
    outcome: choice(packed[2], OUTCOMES, 'error.outcome'),
    retryable: flag(packed[3], 'error.retryable'),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function readCode(value: unknown): ErrorCode {
  if (typeof value !== 'string' || !isErrorCode(value)) throw invalid('error.code', 'unknown');
  return value;
}
