import {
  assertNever,
  type ClientMessage,
  type Condition,
  LIMITS,
  type Operation,
  type RangeClearing,
  type ReadRequest,
  type Revision,
  type WriteRequest,
} from '@holdfast/types';
import { CONSISTENCIES, duringMs, readKeys } from './client-parts.ts';
import {
  packClearing,
  packRangeMessage,
  readRangeClearing,
  readRangeMessage,
} from './client-range-frames.ts';
import { ACKS } from './entry-requests.ts';
import {
  binary,
  choice,
  clusterId,
  codeOf,
  count,
  databaseName,
  duration,
  each,
  integer,
  list,
  optional,
  orNil,
  parts,
  positive,
  revision,
  sessionId,
  shortened,
  text,
} from './fields.ts';
import { invalid, ofVersion, within } from './invalid.ts';
import { type Packable, pack, unpack } from './message-pack.ts';
import { packTraces, readTraces } from './traceparent.ts';
import { packWatchRequest, readWatchRequest } from './watch-frames.ts';

/** The code of a kind is its place here. New kinds go to the end. */
const KINDS = [
  'hello',
  'openSession',
  'closeSession',
  'write',
  'read',
  'scanOpen',
  'scanNext',
  'scanClose',
  'ping',
  'snapshotOpen',
  'snapshotRead',
  'snapshotClose',
  'watchOpen',
  'watchCredit',
  'watchClose',
  'trace',
] as const satisfies readonly ClientMessage['kind'][];

const CONDITIONS = [
  'revision',
  'absent',
  'atMost',
  'present',
  'value',
] as const satisfies readonly Condition['kind'][];

const PUT = 0;
const DEL = 1;
const INCREMENT = 2;
const GET = 3;
/** With its time to live: [value, ttl]. */
const EXPIRING_PUT = 4;
/** Its detail is the time to live, nil: without end. */
const EXPIRE = 5;

/**
 * [id, sequence, ack, remaining, conditions, operations], and of a transaction what is done otherwise; of a clear that is
 * nil, and its range follows.
 */
const WRITE_PARTS = 6;
const TRANSACTION_PARTS = 7;
const CLEAR_PARTS = 8;

/** Conditions and operations lie flat in their request, three places each: code, key, and what it needs. */
const STEP_PARTS = 3;

/** [message, message, …], each [code, …parts]. */
export function encodeClientMessages(messages: readonly ClientMessage[]): Uint8Array {
  return pack(messages.map(packMessage));
}

/**
 * Throws HOLDFAST_INVALID_MESSAGE for what is malformed or beyond the limits of a frame, and HOLDFAST_VERSION_MISMATCH for
 * a hello of another shape and version. A request too large in
 * itself decodes, so that it can be answered: see `writeProblem` and `readProblem`. Keys and values are views into
 * `bytes`.
 */
export function decodeClientMessages(bytes: Uint8Array): ClientMessage[] {
  if (bytes.length > LIMITS.clientFrameBytesMax) {
    throw invalid('frame', `longer than ${LIMITS.clientFrameBytesMax} bytes`);
  }
  const packed = list(unpack(bytes), 'messages', { max: LIMITS.requestsPerFrameMax });
  const messages = each(packed, 'messages', readMessage);
  let requests = 0;
  for (const message of messages) requests += requestCount(message);
  if (requests > LIMITS.requestsPerFrameMax) {
    throw invalid('messages', `${requests} requests, at most ${LIMITS.requestsPerFrameMax} allowed`);
  }
  return messages;
}

function requestCount(message: ClientMessage): number {
  if (message.kind === 'write') return message.requests.length;
  return message.kind === 'read' ? message.reads.length : 1;
}

function packMessage(message: ClientMessage): Packable[] {
  const code = KINDS.indexOf(message.kind);
  switch (message.kind) {
    case 'hello':
      return [code, message.protocol, message.database, orNil(message.cluster), shortened(message.name)];
    case 'openSession':
      return [code, message.id, duringMs(message.remainingMs)];
    case 'closeSession':
      return [code, message.id, message.session];
    case 'write': {
      const packed: Packable[] = [code, message.session, message.floor];
      for (const request of message.requests) packed.push(packWrite(request));
      return packed;
    }
    case 'read': {
      const packed: Packable[] = [code];
      for (const read of message.reads) packed.push(packRead(read));
      return packed;
    }
    case 'scanOpen':
    case 'scanNext':
    case 'scanClose':
    case 'snapshotOpen':
    case 'snapshotRead':
    case 'snapshotClose':
      return packRangeMessage(code, message);
    case 'watchOpen':
    case 'watchCredit':
    case 'watchClose':
      return packWatchRequest(code, message);
    case 'ping':
      return [code, message.id];
    case 'trace':
      return packTraces(code, message.traces);
    default:
      return assertNever(message);
  }
}

function packWrite(request: WriteRequest): Packable[] {
  const conditions: Packable[] = [];
  for (const condition of request.conditions) {
    conditions.push(CONDITIONS.indexOf(condition.kind), condition.key, packExpected(condition));
  }
  const packed: Packable[] = [
    request.id,
    request.sequence,
    codeOf(request.ack, ACKS),
    duringMs(request.remainingMs),
    conditions,
    packOperations(request.operations),
  ];
  if (request.otherwise !== undefined) packed.push(packOperations(request.otherwise));
  if (request.clear !== undefined) packed.push(null, packClearing(request.clear));
  return packed;
}

function packExpected(condition: Condition): Packable {
  switch (condition.kind) {
    case 'revision':
    case 'atMost':
      return condition.revision;
    case 'value':
      return condition.value;
    case 'absent':
    case 'present':
      return 0;
    default:
      return assertNever(condition);
  }
}

function packOperations(operations: readonly Operation[]): Packable[] {
  const packed: Packable[] = [];
  for (const operation of operations) packOperation(operation, packed);
  return packed;
}

function packOperation(operation: Operation, operations: Packable[]): void {
  switch (operation.kind) {
    case 'put':
      if (operation.ttlMs === undefined) operations.push(PUT, operation.key, operation.value);
      else operations.push(EXPIRING_PUT, operation.key, [operation.value, operation.ttlMs]);
      return;
    case 'del':
      operations.push(DEL, operation.key, null);
      return;
    case 'increment':
      operations.push(INCREMENT, operation.key, operation.by);
      return;
    case 'get':
      operations.push(GET, operation.key, null);
      return;
    case 'expire':
      operations.push(EXPIRE, operation.key, orNil(operation.ttlMs));
      return;
    default:
      assertNever(operation);
  }
}

function packRead(read: ReadRequest): Packable[] {
  return [
    read.id,
    codeOf(read.consistency, CONSISTENCIES),
    duringMs(read.remainingMs),
    read.keys,
    read.token,
    orNil(read.maxStalenessMs),
  ];
}

function readMessage(value: unknown): ClientMessage {
  const packed = list(value, 'message', { min: 1 });
  const kind = choice(packed[0], KINDS, 'kind');
  try {
    return readKind(kind, packed);
  } catch (error) {
    throw within(error, kind);
  }
}

function readKind(kind: ClientMessage['kind'], packed: readonly unknown[]): ClientMessage {
  switch (kind) {
    case 'hello': {
      const protocol = count(packed[1], 'protocol');
      return ofVersion(protocol, () => readHello(protocol, packed));
    }
    case 'openSession':
      parts(packed, 'message', 3);
      return { kind, id: count(packed[1], 'id'), remainingMs: duration(packed[2], 'remainingMs') };
    case 'closeSession':
      parts(packed, 'message', 3);
      return { kind, id: count(packed[1], 'id'), session: sessionId(packed[2], 'session') };
    case 'write': {
      list(packed, 'message', { min: 3 });
      const session = sessionId(packed[1], 'session');
      const floor = count(packed[2], 'floor');
      return { kind, session, floor, requests: each(packed.slice(3), 'requests', readWrite) };
    }
    case 'read':
      return { kind, reads: each(packed.slice(1), 'reads', readRead) };
    case 'scanOpen':
    case 'scanNext':
    case 'scanClose':
    case 'snapshotOpen':
    case 'snapshotRead':
    case 'snapshotClose':
      return readRangeMessage(kind, packed);
    case 'watchOpen':
    case 'watchCredit':
    case 'watchClose':
      return readWatchRequest(kind, packed);
    case 'ping':
      parts(packed, 'message', 2);
      return { kind, id: count(packed[1], 'id') };
    case 'trace':
      return { kind, traces: readTraces(packed) };
    default:
      return assertNever(kind);
  }
}

function readHello(protocol: number, packed: readonly unknown[]): ClientMessage {
  parts(packed, 'message', 5);
  const cluster = optional(packed[3], 'cluster', clusterId);
  return {
    kind: 'hello',
    protocol,
    database: databaseName(packed[2], 'database'),
    ...(cluster === undefined ? {} : { cluster }),
    name: text(packed[4], 'name'),
  };
}

function readWrite(value: unknown): WriteRequest {
  const packed = list(value, 'request', { min: WRITE_PARTS, max: CLEAR_PARTS });
  return {
    id: count(packed[0], 'id'),
    sequence: positive(packed[1], 'sequence'),
    ack: choice(packed[2], ACKS, 'ack'),
    remainingMs: duration(packed[3], 'remainingMs'),
    conditions: readConditions(packed[4]),
    operations: readOperations(packed[5]),
    ...(packed.length === TRANSACTION_PARTS ? { otherwise: readOperations(packed[6]) } : {}),
    ...(packed.length === CLEAR_PARTS ? { clear: readClearing(packed[6], packed[7]) } : {}),
  };
}

function readClearing(otherwise: unknown, range: unknown): RangeClearing {
  if (otherwise !== null) throw invalid('clear', 'in a transaction');
  return readRangeClearing(range);
}

function readConditions(value: unknown): Condition[] {
  const flat = list(value, 'conditions');
  if (flat.length % STEP_PARTS !== 0) throw invalid('conditions', 'the last one is not whole');
  const conditions: Condition[] = [];
  for (let place = 0; place < flat.length; place += STEP_PARTS) {
    const kind = choice(flat[place], CONDITIONS, 'conditions.kind');
    const key = binary(flat[place + 1], 'conditions.key');
    conditions.push(readCondition(kind, key, flat[place + 2]));
  }
  return conditions;
}

function readCondition(kind: Condition['kind'], key: Uint8Array, expected: unknown): Condition {
  if (kind === 'value') return { kind, key, value: binary(expected, 'conditions.value') };
  const read: Revision = revision(expected, 'conditions.revision');
  return kind === 'absent' || kind === 'present' ? { kind, key } : { kind, key, revision: read };
}

function readOperations(value: unknown): Operation[] {
  const flat = list(value, 'operations');
  if (flat.length % STEP_PARTS !== 0) throw invalid('operations', 'the last one is not whole');
  const operations: Operation[] = [];
  for (let place = 0; place < flat.length; place += STEP_PARTS) {
    const key = binary(flat[place + 1], 'operations.key');
    const detail = flat[place + 2];
    switch (flat[place]) {
      case PUT:
        operations.push({ kind: 'put', key, value: binary(detail, 'operations.value') });
        break;
      case DEL:
        if (detail !== null) throw invalid('operations', 'a del with a value');
        operations.push({ kind: 'del', key });
        break;
      case INCREMENT:
        operations.push({ kind: 'increment', key, by: integer(detail, 'operations.by') });
        break;
      case GET:
        if (detail !== null) throw invalid('operations', 'a get with a value');
        operations.push({ kind: 'get', key });
        break;
      case EXPIRING_PUT: {
        const [value, ttlMs] = parts(detail, 'operations', 2);
        operations.push({
          kind: 'put',
          key,
          value: binary(value, 'operations.value'),
          ttlMs: positive(ttlMs, 'operations.ttlMs'),
        });
        break;
      }
      case EXPIRE: {
        const ttlMs = optional(detail, 'operations.ttlMs', positive);
        operations.push(ttlMs === undefined ? { kind: 'expire', key } : { kind: 'expire', key, ttlMs });
        break;
      }
      default:
        throw invalid('operations.kind', 'unknown code');
    }
  }
  return operations;
}

function readRead(value: unknown): ReadRequest {
  const packed = parts(value, 'read', 6);
  const maxStalenessMs = optional(packed[5], 'maxStalenessMs', duration);
  return {
    id: count(packed[0], 'id'),
    consistency: choice(packed[1], CONSISTENCIES, 'consistency'),
    remainingMs: duration(packed[2], 'remainingMs'),
    keys: readKeys(packed[3]),
    token: revision(packed[4], 'token'),
    ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
  };
}
