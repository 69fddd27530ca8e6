import { readFileSync, writeFileSync } from 'node:fs';
import type {
  ClientMessage,
  DatabaseUid,
  Entry,
  EntryRequest,
  LogIndex,
  PeerHello,
  PeerMessage,
  Revision,
  ServerMessage,
  SessionId,
  SnapshotMessage,
  Term,
} from '@holdfast/types';
import { expect, test } from 'vitest';
import {
  EntryCodec,
  encodeClientMessages,
  encodePeerFrame,
  encodePeerHello,
  encodeServerMessages,
  encodeSnapshotMessage,
} from '../src/index.ts';
import { clears, expiries, transactions } from './golden-requests.ts';

/**
 * What is on disks and in running clusters must stay readable: these bytes change only with a new format number or
 * protocol version. After a change that is meant: HOLDFAST_GOLDEN=write pnpm exec vitest run packages/wire
 */
const FILE = new URL('./golden/frames.json', import.meta.url);
/** As nodes wrote them before: entries of each older format. */
const OLDER_FORMATS = ['entries-1.json', 'entries-2.json', 'entries-3.json'];

const hex = (digit: string): never => digit.repeat(32) as never;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const at = (index: number): { index: LogIndex; term: Term } => ({
  index: index as LogIndex,
  term: 3 as Term,
});
const term = 3 as Term;
const index = 70_000 as LogIndex;
const revision = 5_000_000_000 as Revision;
const session = '2.17.0' as SessionId;

function put(sequence: number, at: number): EntryRequest {
  const mutations = [{ kind: 'put', key: utf8(`key${sequence}`), value: utf8('value') }] as const;
  return {
    kind: 'write',
    session,
    sequence,
    floor: 4,
    ack: 'quorum',
    mutations,
    result: { kind: 'written', revision: at as Revision },
  };
}

const requests: EntryRequest[] = [
  put(5, 100),
  put(6, 101),
  put(8, 102),
  { kind: 'openSession' },
  {
    kind: 'write',
    session,
    sequence: 9,
    floor: 7,
    ack: 'all',
    mutations: [
      { kind: 'del', key: utf8('gone') },
      { kind: 'put', key: utf8('kept'), value: new Uint8Array(300) },
    ],
    result: { kind: 'counter', value: -12, revision },
  },
  {
    kind: 'write',
    session,
    sequence: 10,
    floor: 7,
    ack: 'local',
    mutations: [],
    result: { kind: 'conflict', condition: 1, revision },
  },
  {
    kind: 'write',
    session,
    sequence: 11,
    floor: 7,
    ack: 'local',
    mutations: [],
    result: { kind: 'notAnInteger', revision },
  },
  { kind: 'closeSession', session, reason: 'expired' },
];

function entry(body: Entry['body']): Entry {
  const head = { database: hex('d') as DatabaseUid, index, term, previousTerm: 2 as Term, logTime: 1234.5 };
  return { ...head, firstRevision: 100 as Revision, body };
}

const noop = entry({ kind: 'noop' });

const peerHello: PeerHello = {
  protocol: 1,
  node: 'n1' as never,
  disk: hex('a'),
  boot: hex('b'),
  cluster: hex('c'),
  voters: ['n1', 'n2'] as never,
  exclusion: 'disk-went-back',
  clientUrl: 'ws://127.0.0.1:7101',
  zone: 'north',
};

const peerMessages: PeerMessage[] = [
  { kind: 'preVote', term, last: at(9), rank: 2 },
  { kind: 'preVoteReply', term, granted: false, reason: 'standing' },
  { kind: 'vote', term, last: at(9), transferFrom: 'n2' as never },
  { kind: 'voteReply', term, granted: true },
  { kind: 'append', term, previous: at(8), entries: [noop], commit: index },
  { kind: 'appendMatch', term, match: index },
  { kind: 'appendConflict', term, rejected: index, hint: at(7), last: at(9) },
  {
    kind: 'heartbeat',
    term,
    round: 77,
    commit: index,
    successors: ['n2', 'n3'] as never,
    echo: { sentAt: 88.25, commit: index },
  },
  { kind: 'heartbeatReply', term, round: 77, sentAt: 99.5, applied: index },
  { kind: 'resigned', term },
  { kind: 'higherTerm', term },
  { kind: 'readIndex', term, id: 4, remainingMs: 4980 },
  { kind: 'readIndexReply', term, id: 4, index },
  { kind: 'stand', term, last: at(9) },
  { kind: 'met', disks: [hex('a')] },
  {
    kind: 'genesis',
    genesis: {
      cluster: hex('c'),
      databases: { default: hex('d') },
      voters: { n1: hex('a') },
      limits: { revisionGap: 1_048_576 },
    },
  },
  { kind: 'excluded', reason: 'wiped' },
  { kind: 'pull', index, term },
  { kind: 'pulled', index, entry: noop },
  { kind: 'snapshotWanted', term },
];

const snapshotMessages: SnapshotMessage[] = [
  { kind: 'snapshotBegin', id: 's1', position: at(9) },
  { kind: 'snapshotChunk', id: 's1', number: 1, records: [utf8('k'), utf8('v')] },
  { kind: 'snapshotEnd', id: 's1', chunks: 1, digest: 'e'.repeat(64) },
  { kind: 'snapshotProgress', id: 's1', number: 1 },
  { kind: 'snapshotResult', id: 's1', ok: false, reason: 'digest' },
];

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const clientMessages: ClientMessage[] = [
  { kind: 'hello', protocol: 1, database: 'default', cluster: hex('c'), name: 'app' },
  { kind: 'openSession', id: 1, remainingMs: 5000 },
  { kind: 'closeSession', id: 2, session },
  {
    kind: 'write',
    session,
    floor: 4,
    requests: [
      {
        id: 3,
        sequence: 5,
        ack: 'quorum',
        remainingMs: 4999.5,
        conditions: [
          { kind: 'revision', key: utf8('a'), revision },
          { kind: 'absent', key: utf8('b') },
          { kind: 'atMost', key: utf8('c'), revision },
        ],
        operations: [
          { kind: 'put', key: utf8('a'), value: utf8('1') },
          { kind: 'del', key: utf8('b') },
        ],
      },
      {
        id: 4,
        sequence: 6,
        ack: 'all',
        remainingMs: 1,
        conditions: [],
        operations: [{ kind: 'increment', key: utf8('n'), by: -1 }],
      },
      {
        id: 5,
        sequence: 7,
        ack: 'quorum',
        remainingMs: 1,
        conditions: [
          { kind: 'present', key: utf8('a') },
          { kind: 'value', key: utf8('b'), value: utf8('old') },
        ],
        operations: [{ kind: 'put', key: utf8('b'), value: utf8('new') }],
        otherwise: [{ kind: 'get', key: utf8('b') }],
      },
    ],
  },
  {
    kind: 'read',
    reads: [
      {
        id: 5,
        consistency: 'eventual',
        remainingMs: 10,
        keys: [utf8('a')],
        token: revision,
        maxStalenessMs: 50,
      },
    ],
  },
  {
    kind: 'scanOpen',
    id: 6,
    consistency: 'session',
    remainingMs: 10,
    token: revision,
    range: { gte: utf8('a'), lt: utf8('z'), reverse: true, limit: -1, keys: true, values: false },
    pageSize: 100,
    snapshot: 2,
  },
  { kind: 'scanNext', id: 7, remainingMs: 900, scan: 6, pageSize: 100, seek: utf8('m') },
  { kind: 'scanClose', scan: 6 },
  { kind: 'ping', id: 8 },
  {
    kind: 'snapshotOpen',
    id: 9,
    consistency: 'eventual',
    remainingMs: 10,
    token: revision,
    maxStalenessMs: 50,
  },
  { kind: 'snapshotRead', id: 10, remainingMs: 700, snapshot: 9, keys: [utf8('a'), utf8('b')] },
  { kind: 'snapshotClose', snapshot: 9 },
  {
    kind: 'watchOpen',
    id: 11,
    consistency: 'session',
    remainingMs: 10,
    token: revision,
    range: { gte: utf8('a'), lt: utf8('z') },
    from: revision,
    previousValues: true,
    credit: 262_144,
  },
  { kind: 'watchCredit', watch: 11, bytes: 1000 },
  { kind: 'watchClose', watch: 11 },
  { kind: 'trace', traces: [{ id: 3, traceparent }] },
];

const topology = {
  term,
  primary: 'n1' as never,
  nodes: [{ id: 'n1' as never, url: 'ws://127.0.0.1:7101', zone: 'north' }],
};
const error = {
  code: 'HOLDFAST_CONFLICT',
  message: 'changed',
  outcome: 'not-applied',
  retryable: false,
  retryAfterMs: 5,
  detail: 9,
} as const;

const serverMessages: ServerMessage[] = [
  {
    kind: 'welcome',
    protocol: 1,
    cluster: hex('c'),
    database: hex('d'),
    node: 'n1' as never,
    defaultAck: 'quorum',
    topology,
  },
  { kind: 'topology', topology },
  { kind: 'sessionOpened', id: 1, session },
  { kind: 'sessionClosed', id: 2 },
  {
    kind: 'writeReplies',
    replies: [
      {
        id: 3,
        receipt: {
          result: { kind: 'written', revision },
          term,
          index,
          ack: 'quorum',
          copies: 2,
          repeated: false,
        },
      },
      { id: 4, error },
    ],
  },
  {
    kind: 'readReplies',
    replies: [
      { id: 5, answer: { items: [{ value: utf8('1'), revision }, undefined], revision, stalenessMs: -1 } },
    ],
  },
  { kind: 'scanPage', id: 6, records: [utf8('a'), utf8('1')], done: true, revision, stalenessMs: 12.5 },
  { kind: 'pong', id: 8 },
  { kind: 'failed', id: 0, error },
  { kind: 'snapshotOpened', id: 9, revision, stalenessMs: 0.5 },
  { kind: 'scanOpened', id: 6, revision },
  { kind: 'watchOpened', id: 11, revision },
  {
    kind: 'watchEvents',
    id: 11,
    term,
    events: [
      { kind: 'put', key: utf8('a'), revision, endsWrite: false, previous: null, value: utf8('1') },
      {
        kind: 'del',
        key: utf8('b'),
        revision: (revision + 1) as Revision,
        endsWrite: true,
        previous: utf8('2'),
      },
    ],
    revision: (revision + 1) as Revision,
  },
];

const clearingWrite: ClientMessage = {
  kind: 'write',
  session,
  floor: 3,
  requests: [
    {
      id: 4,
      sequence: 15,
      ack: 'quorum',
      remainingMs: 5000,
      conditions: [],
      operations: [],
      clear: { gt: utf8('a'), lte: utf8('z'), reverse: true, limit: 7, upTo: revision },
    },
    {
      id: 5,
      sequence: 16,
      ack: 'local',
      remainingMs: 5000,
      conditions: [],
      operations: [],
      clear: { gte: utf8('a'), lt: utf8('z'), reverse: false, limit: -1, upTo: revision },
    },
  ],
};

const expiringWrite: ClientMessage = {
  kind: 'write',
  session,
  floor: 3,
  requests: [
    {
      id: 4,
      sequence: 15,
      ack: 'quorum',
      remainingMs: 5000,
      conditions: [],
      operations: [
        { kind: 'put', key: utf8('a'), value: utf8('1'), ttlMs: 60_000 },
        { kind: 'expire', key: utf8('b'), ttlMs: 5000 },
        { kind: 'expire', key: utf8('c') },
      ],
      otherwise: [],
    },
  ],
};

const expiringAnswer: ServerMessage = {
  kind: 'readReplies',
  replies: [
    {
      id: 5,
      answer: {
        items: [undefined, { value: utf8('1'), revision, ttlMs: 59_000 }, { value: utf8('2'), revision }],
        revision,
        stalenessMs: 0,
      },
    },
  ],
};

function frames(): Record<string, string> {
  const table: Record<string, Uint8Array> = {};
  const codec = new EntryCodec();
  table['entry opening'] = codec.encode(entry({ kind: 'opening', primary: 'n1' as never }));
  table['entry noop'] = codec.encode(noop);
  table['entry requests'] = codec.encode(entry({ kind: 'requests', requests }));
  table['entry transactions'] = codec.encode(entry({ kind: 'requests', requests: transactions }));
  table['entry expiries'] = codec.encode(entry({ kind: 'requests', requests: expiries }));
  table['entry clears'] = codec.encode(entry({ kind: 'requests', requests: clears }));
  table['client write clearing'] = encodeClientMessages([clearingWrite]);
  table['client write expiring'] = encodeClientMessages([expiringWrite]);
  table['server readReplies expiring'] = encodeServerMessages([expiringAnswer]);
  table['peer hello'] = encodePeerHello(peerHello);
  for (const message of peerMessages) {
    table[`peer ${message.kind}`] = encodePeerFrame({ database: hex('d'), messages: [message] }, codec);
  }
  table['peer traces'] = encodePeerFrame(
    { database: hex('d'), messages: [], traces: [{ index, traceparent }] },
    codec,
  );
  for (const message of snapshotMessages) table[message.kind] = encodeSnapshotMessage(message);
  for (const message of clientMessages) table[`client ${message.kind}`] = encodeClientMessages([message]);
  for (const message of serverMessages) table[`server ${message.kind}`] = encodeServerMessages([message]);
  return Object.fromEntries(
    Object.entries(table).map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
  );
}

test('the bytes of every kind are those of the golden file', () => {
  if (process.env.HOLDFAST_GOLDEN === 'write')
    writeFileSync(FILE, `${JSON.stringify(frames(), undefined, 2)}\n`);
  expect(frames()).toStrictEqual(JSON.parse(readFileSync(FILE, 'utf8')));
});

test.each(OLDER_FORMATS)('%s: entries as older nodes logged them still say what they said', (name) => {
  const file = new URL(`./golden/${name}`, import.meta.url);
  const first = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const codec = new EntryCodec();
  const decoded = Object.entries(first).map(([name, bytes]) => [
    name,
    codec.decode(Buffer.from(bytes, 'hex')),
  ]);
  const again = decoded.map(([name, one]) => [name, Buffer.from(codec.encode(one as Entry)).toString('hex')]);
  expect(Object.fromEntries(again), 'stored and sent on unchanged').toStrictEqual(first);
  // The bytes of today are those of the same entries: by way of them the two can be compared.
  const today = Object.keys(first).map((name) => [name, codec.decode(Buffer.from(frames()[name]!, 'hex'))]);
  expect(Object.fromEntries(decoded)).toEqual(Object.fromEntries(today));
});
