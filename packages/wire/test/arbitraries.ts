import {
  type BootId,
  type ClientMessage,
  type DatabaseUid,
  type DueKey,
  type Entry,
  type EntryRequest,
  ERROR_CODES,
  type ErrorCode,
  type Genesis,
  type KeyRange,
  LIMITS,
  type LogIndex,
  type Mutation,
  type PeerHello,
  type PeerMessage,
  type ReadAnswer,
  type ReadItem,
  type Revision,
  type ServerMessage,
  type SessionId,
  type SnapshotMessage,
  type Term,
  type Topology,
  type WatchEvent,
  type WatchedRange,
  type WireError,
} from '@holdfast/types';
import fc, { type Arbitrary } from 'fast-check';
import {
  ack,
  type ByKind,
  bytes,
  clusterId,
  consistency,
  count,
  databaseUid,
  diskId,
  duration,
  exclusion,
  hex,
  index,
  integer,
  kindOf,
  maybe,
  nodeId,
  type OfKind,
  position,
  positive,
  record,
  revision,
  sessionId,
  small,
  staleness,
  term,
  text,
  traceparent,
} from './primitives.ts';

import { writeRequest } from './write-requests.ts';
import { writeResult } from './write-results.ts';

export { databaseUid, runs } from './primitives.ts';

const mutation: Arbitrary<Mutation> = fc.oneof(
  record<OfKind<Mutation, 'put'>>({
    kind: kindOf('put'),
    key: small,
    value: bytes,
    expiresAt: maybe(positive),
    formerExpiry: maybe(positive),
  }),
  record<OfKind<Mutation, 'del'>>({ kind: kindOf('del'), key: small }),
);

const anyRequest: Arbitrary<EntryRequest> = fc.oneof(
  record<OfKind<EntryRequest, 'write'>>({
    kind: kindOf('write'),
    session: sessionId,
    sequence: positive,
    floor: count,
    ack,
    mutations: fc.array(mutation, { maxLength: 4 }),
    result: writeResult,
  }),
  fc.constant<EntryRequest>({ kind: 'openSession' }),
  record<OfKind<EntryRequest, 'expire'>>({
    kind: kindOf('expire'),
    due: fc.array(record<DueKey>({ key: small, expiresAt: positive, isDeleted: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
  record<OfKind<EntryRequest, 'closeSession'>>({
    kind: kindOf('closeSession'),
    session: sessionId,
    reason: fc.constantFrom('closed', 'expired', 'evicted'),
  }),
);

/** Requests as a primary logs them: few sessions, sequences and revisions that mostly count up. */
const steps = fc.array(
  fc.record({
    session: fc.nat(2),
    jump: fc.boolean(),
    odd: fc.nat(9),
    floorStep: fc.nat(8),
    ack,
    key: small,
    value: small,
  }),
  { maxLength: 30 },
);

function realisticRequests(
  firstRevision: number,
  plan: typeof steps extends Arbitrary<infer Plan> ? Plan : never,
): EntryRequest[] {
  const sequences = [1, 1, 1];
  const floors = [0, 0, 0];
  let next = firstRevision;
  return plan.map((step): EntryRequest => {
    if (step.odd === 0) return { kind: 'openSession' };
    const session = `1.${step.session + 1}.0` as SessionId;
    sequences[step.session]! += step.jump ? 2 : 1;
    if (step.floorStep === 0) floors[step.session]! += 1;
    const mutations: Mutation[] =
      step.odd === 1 ? [{ kind: 'del', key: step.key }] : [{ kind: 'put', key: step.key, value: step.value }];
    if (step.odd === 3)
      mutations[0] = { kind: 'put', key: step.key, value: step.value, expiresAt: Math.max(1, next) };
    const revisionOf = (step.odd === 2 ? next + 5 : next) as Revision;
    next += 1;
    return {
      kind: 'write',
      session,
      sequence: sequences[step.session]!,
      floor: floors[step.session]!,
      ack: step.odd === 3 ? step.ack : 'quorum',
      mutations,
      result: { kind: 'written', revision: revisionOf },
    };
  });
}

const body = (firstRevision: number): Arbitrary<Entry['body']> =>
  fc.oneof(
    nodeId.map((primary) => ({ kind: 'opening', primary }) as const),
    fc.constant({ kind: 'noop' } as const),
    fc.array(anyRequest, { maxLength: 6 }).map((requests) => ({ kind: 'requests', requests }) as const),
    steps.map((plan) => ({ kind: 'requests', requests: realisticRequests(firstRevision, plan) }) as const),
  );

export const entry: Arbitrary<Entry> = fc
  .tuple(databaseUid, positive, positive, fc.nat(), duration, fc.oneof(fc.nat(1000), fc.nat(2 ** 40)))
  .chain(([database, entryIndex, entryTerm, before, logTime, firstRevision]) =>
    body(firstRevision).map((entryBody) => ({
      database,
      index: entryIndex as LogIndex,
      term: entryTerm as Term,
      previousTerm: Math.min(entryTerm, before) as Term,
      logTime,
      firstRevision: firstRevision as Revision,
      body: entryBody,
    })),
  );

const genesis: Arbitrary<Genesis> = record<Genesis>({
  cluster: clusterId,
  databases: fc.dictionary(nodeId, databaseUid, { maxKeys: 3, noNullPrototype: true }),
  voters: fc.dictionary(nodeId, diskId, { maxKeys: 5, noNullPrototype: true }),
  limits: record<Genesis['limits']>({ revisionGap: count }),
});

export const peerHello: Arbitrary<PeerHello> = record<PeerHello>({
  protocol: count,
  node: nodeId,
  disk: diskId,
  boot: hex as Arbitrary<BootId>,
  cluster: maybe(clusterId),
  voters: fc.array(nodeId, { maxLength: 5 }),
  exclusion: maybe(exclusion),
  clientUrl: text,
  zone: maybe(text),
});

const echo = record<NonNullable<OfKind<PeerMessage, 'heartbeat'>['echo']>>({
  sentAt: duration,
  commit: index,
});

export const peerMessages: ByKind<PeerMessage> = {
  preVote: record({ kind: kindOf('preVote'), term, last: position, rank: count }),
  preVoteReply: record({
    kind: kindOf('preVoteReply'),
    term,
    granted: fc.boolean(),
    reason: fc.constantFrom('granted', 'sticky', 'log', 'term', 'excluded', 'standing'),
  }),
  vote: record<OfKind<PeerMessage, 'vote'>>({
    kind: kindOf('vote'),
    term,
    last: position,
    transferFrom: maybe(nodeId),
  }),
  voteReply: record({ kind: kindOf('voteReply'), term, granted: fc.boolean() }),
  append: record({
    kind: kindOf('append'),
    term,
    previous: position,
    entries: fc.array(entry, { maxLength: 3 }),
    commit: index,
  }),
  appendMatch: record({ kind: kindOf('appendMatch'), term, match: index }),
  appendConflict: record({
    kind: kindOf('appendConflict'),
    term,
    rejected: index,
    hint: position,
    last: position,
  }),
  heartbeat: record<OfKind<PeerMessage, 'heartbeat'>>({
    kind: kindOf('heartbeat'),
    term,
    round: count,
    commit: index,
    successors: fc.array(nodeId, { maxLength: 4 }),
    echo: maybe(echo),
  }),
  heartbeatReply: record({
    kind: kindOf('heartbeatReply'),
    term,
    round: count,
    sentAt: duration,
    applied: index,
  }),
  resigned: record({ kind: kindOf('resigned'), term }),
  higherTerm: record({ kind: kindOf('higherTerm'), term }),
  snapshotWanted: record({ kind: kindOf('snapshotWanted'), term }),
  readIndex: record({ kind: kindOf('readIndex'), term, id: count, remainingMs: count }),
  readIndexReply: record<OfKind<PeerMessage, 'readIndexReply'>>({
    kind: kindOf('readIndexReply'),
    term,
    id: count,
    index: maybe(index),
  }),
  stand: record({ kind: kindOf('stand'), term, last: position }),
  met: record({ kind: kindOf('met'), disks: fc.array(diskId, { maxLength: 5 }) }),
  genesis: record({ kind: kindOf('genesis'), genesis }),
  excluded: record({ kind: kindOf('excluded'), reason: exclusion }),
  pull: record({ kind: kindOf('pull'), index, term }),
  pulled: record<OfKind<PeerMessage, 'pulled'>>({ kind: kindOf('pulled'), index, entry: maybe(entry) }),
};

const records = fc.array(fc.tuple(small, bytes), { maxLength: 5 }).map((pairs) => pairs.flat());

export const snapshotMessages: ByKind<SnapshotMessage> = {
  snapshotBegin: record({ kind: kindOf('snapshotBegin'), id: text, position }),
  snapshotChunk: record({ kind: kindOf('snapshotChunk'), id: text, number: count, records }),
  snapshotEnd: record({
    kind: kindOf('snapshotEnd'),
    id: text,
    chunks: count,
    digest: fc.tuple(hex, hex).map((halves) => halves.join('')),
  }),
  snapshotProgress: record({ kind: kindOf('snapshotProgress'), id: text, number: count }),
  snapshotResult: record<OfKind<SnapshotMessage, 'snapshotResult'>>({
    kind: kindOf('snapshotResult'),
    id: text,
    ok: fc.boolean(),
    reason: maybe(text),
  }),
};

const range: Arbitrary<KeyRange> = record<KeyRange>({
  gt: maybe(small),
  gte: maybe(small),
  lt: maybe(small),
  lte: maybe(small),
  reverse: fc.boolean(),
  limit: fc.oneof(fc.constant(-1), count),
  keys: fc.boolean(),
  values: fc.boolean(),
});

export const clientMessages: ByKind<ClientMessage> = {
  hello: record<OfKind<ClientMessage, 'hello'>>({
    kind: kindOf('hello'),
    protocol: count,
    database: nodeId,
    cluster: maybe(clusterId),
    name: text,
  }),
  openSession: record({ kind: kindOf('openSession'), id: count, remainingMs: duration }),
  closeSession: record({ kind: kindOf('closeSession'), id: count, session: sessionId }),
  write: record({
    kind: kindOf('write'),
    session: sessionId,
    floor: count,
    requests: fc.array(writeRequest, { maxLength: 5 }),
  }),
  read: record({
    kind: kindOf('read'),
    reads: fc.array(
      record<OfKind<ClientMessage, 'read'>['reads'][number]>({
        id: count,
        consistency,
        remainingMs: duration,
        keys: fc.array(small, { maxLength: 4 }),
        token: revision,
        maxStalenessMs: maybe(duration),
      }),
      { maxLength: 5 },
    ),
  }),
  scanOpen: record<OfKind<ClientMessage, 'scanOpen'>>({
    kind: kindOf('scanOpen'),
    id: count,
    consistency,
    remainingMs: duration,
    token: revision,
    maxStalenessMs: maybe(duration),
    range,
    pageSize: positive,
    snapshot: maybe(count),
  }),
  scanNext: record<OfKind<ClientMessage, 'scanNext'>>({
    kind: kindOf('scanNext'),
    id: count,
    remainingMs: duration,
    scan: count,
    pageSize: positive,
    seek: maybe(small),
  }),
  scanClose: record({ kind: kindOf('scanClose'), scan: count }),
  ping: record({ kind: kindOf('ping'), id: count }),
  snapshotOpen: record<OfKind<ClientMessage, 'snapshotOpen'>>({
    kind: kindOf('snapshotOpen'),
    id: count,
    consistency,
    remainingMs: duration,
    token: revision,
    maxStalenessMs: maybe(duration),
  }),
  snapshotRead: record({
    kind: kindOf('snapshotRead'),
    id: count,
    remainingMs: duration,
    snapshot: count,
    keys: fc.array(small, { maxLength: 4 }),
  }),
  snapshotClose: record({ kind: kindOf('snapshotClose'), snapshot: count }),
  watchOpen: record<OfKind<ClientMessage, 'watchOpen'>>({
    kind: kindOf('watchOpen'),
    id: count,
    consistency,
    remainingMs: duration,
    token: revision,
    maxStalenessMs: maybe(duration),
    range: record<WatchedRange>({ gt: maybe(small), gte: maybe(small), lt: maybe(small), lte: maybe(small) }),
    from: maybe(revision),
    previousValues: fc.boolean(),
    credit: fc.nat({ max: LIMITS.watchCreditBytesMax }),
  }),
  watchCredit: record({
    kind: kindOf('watchCredit'),
    watch: count,
    bytes: fc.integer({ min: 1, max: LIMITS.watchCreditBytesMax }),
  }),
  watchClose: record({ kind: kindOf('watchClose'), watch: count }),
  trace: record({
    kind: kindOf('trace'),
    traces: fc.array(record({ id: count, traceparent }), { maxLength: 4 }),
  }),
};

const topology: Arbitrary<Topology> = record<Topology>({
  term,
  primary: maybe(nodeId),
  nodes: fc.array(record<Topology['nodes'][number]>({ id: nodeId, url: text, zone: maybe(text) }), {
    maxLength: 3,
  }),
});

const wireError: Arbitrary<WireError> = record<WireError>({
  code: fc.constantFrom(...(Object.keys(ERROR_CODES) as ErrorCode[])),
  message: text,
  outcome: fc.constantFrom('not-applied', 'applied', 'unknown'),
  retryable: fc.boolean(),
  retryAfterMs: maybe(duration),
  detail: maybe(integer),
});

const failure = record<{ id: number; error: WireError }>({ id: count, error: wireError });
const answer: Arbitrary<ReadAnswer> = record<ReadAnswer>({
  items: fc.array(
    fc.option(record<ReadItem>({ value: bytes, revision, ttlMs: maybe(count) }), { nil: undefined }),
    { maxLength: 4 },
  ),
  revision,
  stalenessMs: staleness,
});

/** Of one watch, which has asked for what was before, or has not. */
function watchEvents(withPrevious: boolean): Arbitrary<readonly WatchEvent[]> {
  const head = {
    key: small,
    revision,
    endsWrite: fc.boolean(),
    ...(withPrevious ? { previous: fc.option(small, { nil: null }) } : {}),
  };
  return fc.array(
    fc.oneof(
      fc.record({ kind: kindOf('put'), ...head, value: small }),
      fc.record({ kind: kindOf('del'), ...head }),
    ),
    { maxLength: 5 },
  );
}

export const serverMessages: ByKind<ServerMessage> = {
  welcome: record<OfKind<ServerMessage, 'welcome'>>({
    kind: kindOf('welcome'),
    protocol: count,
    cluster: maybe(clusterId),
    database: fc.oneof(databaseUid, fc.constant('' as DatabaseUid)),
    node: nodeId,
    defaultAck: ack,
    topology,
  }),
  topology: record({ kind: kindOf('topology'), topology }),
  sessionOpened: record({ kind: kindOf('sessionOpened'), id: count, session: sessionId }),
  sessionClosed: record({ kind: kindOf('sessionClosed'), id: count }),
  writeReplies: record({
    kind: kindOf('writeReplies'),
    replies: fc.array(
      fc.oneof(
        record({
          id: count,
          receipt: record({ result: writeResult, term, index, ack, copies: count, repeated: fc.boolean() }),
        }),
        failure,
      ),
      { maxLength: 5 },
    ),
  }),
  readReplies: record({
    kind: kindOf('readReplies'),
    replies: fc.array(fc.oneof(record({ id: count, answer }), failure), { maxLength: 5 }),
  }),
  scanPage: record({
    kind: kindOf('scanPage'),
    id: count,
    records,
    done: fc.boolean(),
    revision,
    stalenessMs: staleness,
  }),
  pong: record({ kind: kindOf('pong'), id: count }),
  failed: record({ kind: kindOf('failed'), id: count, error: wireError }),
  snapshotOpened: record({ kind: kindOf('snapshotOpened'), id: count, revision, stalenessMs: staleness }),
  scanOpened: record({ kind: kindOf('scanOpened'), id: count, revision }),
  watchOpened: record({ kind: kindOf('watchOpened'), id: count, revision }),
  watchEvents: record({
    kind: kindOf('watchEvents'),
    id: count,
    term,
    events: fc.oneof(watchEvents(false), watchEvents(true)),
    revision,
  }),
};
