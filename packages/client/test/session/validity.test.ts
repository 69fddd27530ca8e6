import type { NodeId, Revision, ServerMessage, SessionId, Term } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import {
  type AnyCall,
  PageCall,
  ReadCall,
  ScanCall,
  SnapshotCall,
  SnapshotReadCall,
  SnapshotScanCall,
  WriteCall,
} from '../../src/session/call.ts';
import { clientLimits } from '../../src/session/client-limits.ts';
import { ClientSession } from '../../src/session/client-session.ts';

const LINK = 1;
const NODE = 'n1' as NodeId;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const common = {
  deadline: 1000,
  bytes: 1,
  consistency: 'linearizable',
  readPreference: 'primary',
  mayDegrade: false,
  after: 0 as Revision,
} as const;
const range = { reverse: false, limit: -1, keys: true, values: true };

let session: ClientSession;
beforeEach(() => {
  session = new ClientSession({ limits: clientLimits({}), random: () => 0.5, now: 0 });
  const topology = { term: 1 as Term, primary: NODE, nodes: [{ id: NODE, url: 'ws://n1:1' }] };
  session.linkUp(LINK, { node: NODE, topology, roundTripMs: 1, defaultAck: 'quorum' }, 0);
  session.takeEffects();
});

/** What becomes of the calls when the node sends this, by kind of effect. */
function effectsOf(message: ServerMessage): string[] {
  session.receive(LINK, message, 1);
  return session.takeEffects().map(({ kind }) => kind);
}

function sent<Sent extends AnyCall>(call: Sent): Sent {
  session.submit(call);
  session.flush(0);
  for (const effect of session.takeEffects()) {
    if (effect.kind !== 'send') continue;
    const opening = effect.messages.find((message) => message.kind === 'openSession');
    if (opening !== undefined)
      session.receive(LINK, { kind: 'sessionOpened', id: opening.id, session: '1.1.0' as SessionId }, 0);
  }
  session.flush(0);
  session.takeEffects();
  expect(call.link).toBe(LINK);
  return call;
}

const read = (): ReadCall => sent(new ReadCall({ ...common, keys: [bytes('a'), bytes('b')] }));
const write = (): WriteCall =>
  sent(
    new WriteCall({
      ...common,
      ack: 'quorum',
      conditions: [],
      operations: [{ kind: 'del', key: bytes('a') }],
    }),
  );
const writeEverywhere = (): WriteCall =>
  sent(
    new WriteCall({
      ...common,
      ack: 'all',
      conditions: [{ kind: 'absent', key: bytes('a') }],
      operations: [{ kind: 'put', key: bytes('a'), value: bytes('b') }],
    }),
  );
const transaction = (ack: 'quorum' | 'all' = 'quorum'): WriteCall =>
  sent(
    new WriteCall({
      ...common,
      ack,
      conditions: [{ kind: 'absent', key: bytes('a') }],
      operations: [
        { kind: 'put', key: bytes('a'), value: bytes('b') },
        { kind: 'get', key: bytes('a') },
      ],
      otherwise: [{ kind: 'get', key: bytes('a') }],
    }),
  );
const changed = { kind: 'changed', revision: 1 };
const missing = { kind: 'missing' };
const scan = (): ScanCall => sent(new ScanCall({ ...common, range, pageSize: 5 }));
const page = (): PageCall =>
  sent(new PageCall({ deadline: 1000, scan: 1, home: LINK, pageSize: 5, seek: undefined }));
const snapshot = (): SnapshotCall => sent(new SnapshotCall(common));
const held = { deadline: 1000, bytes: 1, snapshot: { id: 1, link: LINK } } as const;
const snapshotRead = (): SnapshotReadCall => sent(new SnapshotReadCall({ ...held, keys: [bytes('a')] }));
const snapshotScan = (): SnapshotScanCall => sent(new SnapshotScanCall({ ...held, range, pageSize: 5 }));

const answer = (id: number, items: number): ServerMessage => ({
  kind: 'readReplies',
  replies: [
    { id, answer: { items: new Array(items).fill(undefined), revision: 1 as Revision, stalenessMs: 0 } },
  ],
});
const receipt = (id: number, result: object, ack = 'quorum'): ServerMessage =>
  ({
    kind: 'writeReplies',
    replies: [
      {
        id,
        receipt: { result: { revision: 1, ...result }, term: 1, index: 1, ack, copies: 2, repeated: false },
      },
    ],
  }) as unknown as ServerMessage;
const records = (id: number, count: number): ServerMessage => ({
  kind: 'scanPage',
  id,
  records: new Array(count).fill(bytes('x')),
  done: true,
  revision: 1 as Revision,
  stalenessMs: 0,
});
const opened = (id: number): ServerMessage => ({
  kind: 'snapshotOpened',
  id,
  revision: 1 as Revision,
  stalenessMs: 0,
});

test.each<[string, () => ServerMessage]>([
  ['an answer with fewer items than keys', () => answer(read().id, 1)],
  ['an answer to a write', () => answer(write().id, 2)],
  ['a receipt for a read', () => receipt(read().id, { kind: 'written' })],
  ['a counter for a plain write', () => receipt(write().id, { kind: 'counter', value: 1 })],
  [
    'a conflict of a condition that was not asked for',
    () => receipt(write().id, { kind: 'conflict', condition: 0 }),
  ],
  ['a weaker level than was asked for', () => receipt(write().id, { kind: 'written' }, 'local')],
  ['a write everywhere that is but committed', () => receipt(writeEverywhere().id, { kind: 'written' })],
  ['a plain receipt for a transaction', () => receipt(transaction().id, { kind: 'written' })],
  [
    'a conflict for a transaction, which has another branch',
    () => receipt(transaction().id, { kind: 'conflict', condition: 0 }),
  ],
  [
    'a transaction for a plain write',
    () => receipt(write().id, { kind: 'transaction', branch: 'then', steps: [changed] }),
  ],
  [
    'fewer results than steps',
    () => receipt(transaction().id, { kind: 'transaction', branch: 'then', steps: [changed] }),
  ],
  [
    'the results of the other branch',
    () => receipt(transaction().id, { kind: 'transaction', branch: 'else', steps: [changed, missing] }),
  ],
  [
    'a result of another kind than its step',
    () => receipt(transaction().id, { kind: 'transaction', branch: 'else', steps: [changed] }),
  ],
  ['a sum that nobody asked for', () => receipt(transaction().id, { kind: 'notAnInteger' })],
  [
    'a transaction that changed something and is but committed',
    () => receipt(transaction('all').id, { kind: 'transaction', branch: 'then', steps: [changed, missing] }),
  ],
  ['a key without a value', () => records(scan().id, 3)],
  ['half an entry on a further page', () => records(page().id, 1)],
  ['a page for a read', () => records(read().id, 2)],
  ['a snapshot for a read', () => opened(read().id)],
  ['a page for a snapshot', () => records(snapshot().id, 2)],
  ['an answer for a further page', () => answer(page().id, 2)],
  ['a page for a read of a snapshot', () => records(snapshotRead().id, 2)],
  ['an answer of a snapshot with more items than keys', () => answer(snapshotRead().id, 2)],
  ['an answer for a range of a snapshot', () => answer(snapshotScan().id, 1)],
])('%s is a violation, and settles nothing', (_, lie) => {
  expect(effectsOf(lie())).toEqual(['violation']);
  expect(session.pending.calls).toBe(1);
});

test.each<[string, () => ServerMessage]>([
  ['an answer', () => answer(read().id, 2)],
  ['a receipt', () => receipt(write().id, { kind: 'written' })],
  ['a stronger receipt', () => receipt(write().id, { kind: 'written' }, 'all')],
  [
    'a refusal, which is final once it is committed,',
    () => receipt(writeEverywhere().id, { kind: 'conflict', condition: 0 }),
  ],
  [
    'a transaction',
    () => receipt(transaction().id, { kind: 'transaction', branch: 'then', steps: [changed, missing] }),
  ],
  [
    'a transaction that changed nothing, which is final once it is committed,',
    () => receipt(transaction('all').id, { kind: 'transaction', branch: 'else', steps: [missing] }),
  ],
  ['a result too large', () => receipt(transaction().id, { kind: 'resultTooLarge' })],
  ['a first page', () => records(scan().id, 4)],
  ['a further page', () => records(page().id, 0)],
  ['a snapshot', () => opened(snapshot().id)],
  ['an answer of a snapshot', () => answer(snapshotRead().id, 1)],
  ['a first page of a snapshot', () => records(snapshotScan().id, 2)],
])('%s that fits settles its call', (_, truth) => {
  expect(effectsOf(truth())).toEqual(['settled']);
  expect(session.pending.calls).toBe(0);
});

test('what nobody asked for is not noticed; an unwanted page has its scan closed, an unwanted snapshot as well', () => {
  expect(effectsOf(answer(999, 0))).toEqual([]);
  expect(effectsOf(receipt(999, { kind: 'written' }))).toEqual([]);
  expect(effectsOf(records(999, 0))).toEqual([]);
  expect(effectsOf(opened(998))).toEqual([]);
  session.flush(1);
  const messages = [
    { kind: 'scanClose', scan: 999 },
    { kind: 'snapshotClose', snapshot: 998 },
  ];
  expect(session.takeEffects()).toEqual([{ kind: 'send', link: LINK, messages }]);
});
