import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import { classicLevel, type LevelLike, Store, type StoreOptions } from '@holdfast/store';
import {
  type CloseInfo,
  type Connection,
  logIndex,
  nodeId,
  type PeerHello,
  type Position,
  PROTOCOL_VERSION,
  type SessionId,
  SNAPSHOT_SUBPROTOCOL,
  type SnapshotMessage,
  type StoreState,
  term,
} from '@holdfast/types';
import { decodeSnapshotMessage, encodePeerHello, encodeSnapshotMessage } from '@holdfast/wire';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLOSE_CODES } from '../../src/links/close-codes.ts';
import { SnapshotReceiver } from '../../src/snapshots/snapshot-receiver.ts';
import { SnapshotSender } from '../../src/snapshots/snapshot-sender.ts';
import { SnapshotSenders } from '../../src/snapshots/snapshot-senders.ts';
import { waitFor } from './support/wait-for.ts';

const transport = new WebSocketTransport();
const clock = new SystemClock();
const disk = new NodeDisk();
const POSITION: Position = { index: logIndex(1), term: term(1) };
const SESSION = '1.1' as SessionId;
/** Where LevelDB has it. */
const SESSION_KEY = Buffer.from(`\x10s${SESSION}`);

let directory: string;
let url: string;
let receiver: SnapshotReceiver;
let received: { directory: string; state: StoreState }[];
let failures: string[];
let closing: (() => Promise<void> | void)[];
/** Of the receiver: makes the database in a directory. */
let location: (path: string) => LevelLike;

function hello(node: string): PeerHello {
  return {
    protocol: PROTOCOL_VERSION,
    node: nodeId(node),
    disk: '0'.repeat(32) as PeerHello['disk'],
    boot: '1'.repeat(32) as PeerHello['boot'],
    voters: ['n1', 'n2', 'n3'].map(nodeId),
    clientUrl: 'ws://127.0.0.1:1',
  };
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-snapshot-'));
  received = [];
  failures = [];
  closing = [];
  location = classicLevel;
  let number = 0;
  receiver = new SnapshotReceiver({
    disk,
    clock,
    storeLocation: (path) => location(path),
    handshakeTimeoutMs: 500,
    ownHello: () => hello('n2'),
    newDirectory: () => {
      number += 1;
      return { name: `store-${number}`, path: join(directory, `store-${number}`) };
    },
    onReceived: (name, state) => received.push({ directory: name, state }),
    onRefused: (_who, refusal) => failures.push(refusal.code),
    onFailed: (_peer, reason) => failures.push(reason),
  });
  const listener = await transport.listen({
    host: '127.0.0.1',
    port: 0,
    decide: () => ({ accept: SNAPSHOT_SUBPROTOCOL, maxMessageBytes: 1_000_000 }),
    onConnection: (connection) => receiver.accept(connection),
  });
  closing.push(() => listener.close());
  url = `ws://127.0.0.1:${listener.port}`;
});

afterEach(async () => {
  await receiver.stop();
  for (const close of closing.reverse()) await close();
  await rm(directory, { recursive: true, force: true });
});

/** A store with nothing applied is the smallest that can be sent; this one has one entry and one session. */
async function sourceStore(options: Partial<StoreOptions> = {}): Promise<Store> {
  const { store } = await Store.open({
    directory: join(directory, 'source'),
    disk,
    clock,
    onFailure: () => {},
    ...options,
  });
  closing.push(() => store.close());
  await store.apply({
    kind: 'apply',
    entries: [
      {
        database: 'd'.repeat(32) as never,
        index: logIndex(1),
        term: term(1),
        previousTerm: term(0),
        logTime: 0,
        firstRevision: 1 as never,
        body: { kind: 'opening', primary: nodeId('n1') },
      },
    ],
    sessions: [{ id: SESSION, floor: 0, usedAt: 0, runs: [] }],
    closedSessions: [],
    history: [{ term: term(1), firstIndex: logIndex(1), firstRevision: 1 as never }],
    applied: POSITION,
    revision: 1 as never,
    logTime: 0,
  });
  return store;
}

function send(store: Store): {
  sender: SnapshotSender;
  sentBytes: number[];
  ended: ({ position: Position } | { reason: string })[];
} {
  const ended: ({ position: Position } | { reason: string })[] = [];
  const sentBytes: number[] = [];
  const sender = new SnapshotSender({
    id: 'one',
    peer: nodeId('n2'),
    url,
    store,
    transport,
    clock,
    handshakeTimeoutMs: 500,
    ownHello: () => hello('n1'),
    onProgress: (bytes) => sentBytes.push(bytes),
    onEnd: (result) => ended.push(result),
  });
  return { sender, sentBytes, ended };
}

/** A sender that does as the test says. */
async function dial(node: string): Promise<{
  say(...messages: SnapshotMessage[]): void;
  heard: SnapshotMessage[];
  closed(): CloseInfo | undefined;
}> {
  const heard: SnapshotMessage[] = [];
  let closed: CloseInfo | undefined;
  let greeted = false;
  const connection: Connection = transport.connect({
    url: `${url}/snapshot`,
    subprotocol: SNAPSHOT_SUBPROTOCOL,
    handshakeTimeoutMs: 500,
    maxMessageBytes: 1_000_000,
    handlers: {
      onOpen: () => connection.send(encodePeerHello(hello(node))),
      onMessage: (bytes) => {
        if (greeted) heard.push(decodeSnapshotMessage(bytes));
        greeted = true;
      },
      onClose: (info) => {
        closed = info;
      },
    },
  });
  closing.push(() => connection.terminate());
  await waitFor('the greeting', () => greeted || closed !== undefined);
  return {
    say: (...messages) => {
      for (const message of messages) connection.send(encodeSnapshotMessage(message));
    },
    heard,
    closed: () => closed,
  };
}

const BEGIN: SnapshotMessage = { kind: 'snapshotBegin', id: 'x', position: POSITION };

describe('a snapshot', () => {
  test('arrives whole; its sender hears what became of it when that is settled', async () => {
    const store = await sourceStore();
    const { ended, sentBytes } = send(store);
    const snapshot = await waitFor('it to arrive', () => received[0]);
    expect(snapshot.state.applied).toEqual(POSITION);
    expect(ended).toEqual([]);
    receiver.settle(snapshot.directory, true);
    await waitFor('the sender to hear', () => ended.length > 0);
    // Its beginning, what is in it, its end.
    expect(sentBytes).toHaveLength(3);
    expect(sentBytes).toEqual([...sentBytes].sort((one, other) => one - other));
    expect(sentBytes.at(-1)).toBeGreaterThan(100);
    expect(ended).toEqual([{ position: POSITION }]);
    const opened = await Store.open({
      directory: join(directory, snapshot.directory),
      disk,
      clock,
      onFailure: () => {},
    });
    expect(opened).toMatchObject({ usable: true, state: { applied: POSITION } });
    await opened.store.close();
  });

  test('of a store in which a session is damaged is not sent, and the store has failed', async () => {
    const damage: Error[] = [];
    let level: LevelLike | undefined;
    const store = await sourceStore({
      location: (path) => {
        level = classicLevel(path);
        return level;
      },
      onFailure: (error) => damage.push(error),
    });
    expect(level?.getSync(SESSION_KEY)).toBeDefined();
    await level?.batch([{ type: 'put', key: SESSION_KEY, value: Buffer.alloc(20) }], { sync: false });
    const { ended } = send(store);
    await waitFor('the store to say so', () => damage.length > 0);
    await waitFor('the transfer to end', () => ended.length > 0);
    expect(ended).toEqual([{ reason: 'the store cannot be read' }]);
    expect(damage).toEqual([expect.objectContaining({ code: 'HOLDFAST_DISK_FAILED' })]);
    expect(received).toEqual([]);
  });

  test('that is not wanted is told to its sender as such', async () => {
    const { ended } = send(await sourceStore());
    const snapshot = await waitFor('it to arrive', () => received[0]);
    receiver.settle(snapshot.directory, false);
    await waitFor('the sender to hear', () => ended.length > 0);
    expect(ended).toEqual([{ reason: expect.stringContaining('not above') }]);
  });

  test('that is cancelled leaves nothing behind', async () => {
    const { sender, ended } = send(await sourceStore());
    await sender.cancel('changed its mind');
    expect(ended).toEqual([{ reason: 'changed its mind' }]);
    await receiver.stop();
    expect((await readdir(directory)).filter((name) => name.startsWith('store-'))).toEqual([]);
  });
});

describe('who ends the transfers waits for', () => {
  test('a reader that was cancelled before: the store may be closed then', async () => {
    const gate = Promise.withResolvers<void>();
    let isGated = false;
    let reads = 0;
    const store = await sourceStore({
      location: (path) => {
        const level = classicLevel(path);
        const { iterator } = level;
        return Object.assign(level, {
          iterator: (range: Parameters<LevelLike['iterator']>[0]) => {
            const opened = iterator.call(level, range);
            const { nextv } = opened;
            return Object.assign(opened, {
              nextv: async (size: number) => {
                reads += 1;
                if (isGated) await gate.promise;
                return await nextv.call(opened, size);
              },
            });
          },
        });
      },
    });
    const ends: string[] = [];
    const senders = new SnapshotSenders({
      transport,
      clock,
      random: new SystemRandom(),
      handshakeTimeoutMs: 500,
      ownHello: () => hello('n1'),
      urlOf: () => url,
      onProgress: () => {},
      onSent: () => ends.push('sent'),
      onFailed: (_peer, reason) => ends.push(reason),
    });
    isGated = true;
    reads = 0;
    senders.send(nodeId('n2'), store);
    await waitFor('a read', () => reads > 0);
    senders.cancel(nodeId('n2'));
    let done = false;
    const all = senders.cancelAll('the node stops').then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    gate.resolve();
    await all;
    expect(ends).toEqual([]);
  });

  test('a removal that was begun before: the directory may be opened by another then', async () => {
    const gate = Promise.withResolvers<void>();
    let closes = 0;
    location = (path) => {
      const level = classicLevel(path);
      const { close } = level;
      return Object.assign(level, {
        close: async () => {
          closes += 1;
          await gate.promise;
          await close.call(level);
        },
      });
    };
    const sender = await dial('n1');
    sender.say(BEGIN, { kind: 'snapshotChunk', id: 'x', number: 1, records: [] });
    await waitFor('the store to be made', () => sender.heard.length > 0);
    sender.say(BEGIN);
    await waitFor('its removal to begin', () => closes > 0);
    let done = false;
    const stopped = receiver.stop().then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    gate.resolve();
    await stopped;
    expect((await readdir(directory)).filter((name) => name.startsWith('store-'))).toEqual([]);
  });

  test('nobody: who comes after that is turned away', async () => {
    await receiver.stop();
    const late = await dial('n1');
    expect(await waitFor('the close', late.closed)).toMatchObject({ code: CLOSE_CODES.stopping });
  });
});

describe('a bad sender is turned away, and nothing of it stays', () => {
  test.each<[string, SnapshotMessage[]]>([
    ['a chunk before the beginning', [{ kind: 'snapshotChunk', id: 'x', number: 1, records: [] }]],
    ['a chunk left out', [BEGIN, { kind: 'snapshotChunk', id: 'x', number: 2, records: [] }]],
    ['a chunk of another transfer', [BEGIN, { kind: 'snapshotChunk', id: 'y', number: 1, records: [] }]],
    ['two beginnings', [BEGIN, BEGIN]],
    [
      'an end before its chunks',
      [BEGIN, { kind: 'snapshotEnd', id: 'x', chunks: 3, digest: '0'.repeat(64) }],
    ],
    [
      'a digest that does not fit',
      [BEGIN, { kind: 'snapshotEnd', id: 'x', chunks: 0, digest: '0'.repeat(64) }],
    ],
    [
      'records that are none',
      [
        BEGIN,
        { kind: 'snapshotChunk', id: 'x', number: 1, records: [new Uint8Array([1]), new Uint8Array([2])] },
      ],
    ],
    ['what only a receiver says', [{ kind: 'snapshotProgress', id: 'x', number: 1 }]],
  ])('%s', async (_what, messages) => {
    const sender = await dial('n1');
    sender.say(...messages);
    expect(await waitFor('the close', sender.closed)).toMatchObject({ code: CLOSE_CODES.invalidMessage });
    await receiver.stop();
    expect(received).toEqual([]);
    expect((await readdir(directory)).filter((name) => name.startsWith('store-'))).toEqual([]);
    expect(failures).toHaveLength(1);
  });

  test('a second sender waits its turn; the same one beginning anew takes the place of its first', async () => {
    const first = await dial('n1');
    first.say(BEGIN);
    const other = await dial('n3');
    other.say(BEGIN);
    expect(await waitFor('the other to be refused', other.closed)).toMatchObject({
      code: CLOSE_CODES.tooMany,
    });
    const again = await dial('n1');
    again.say({ ...BEGIN, id: 'z' }, { kind: 'snapshotChunk', id: 'z', number: 1, records: [] });
    expect(await waitFor('the first to be replaced', first.closed)).toMatchObject({
      code: CLOSE_CODES.replaced,
    });
    await waitFor('progress of the new one', () => again.heard.length > 0);
    expect(again.heard).toEqual([{ kind: 'snapshotProgress', id: 'z', number: 1 }]);
  });

  test('a node of no cluster of ours', async () => {
    const stranger = await dial('n9');
    expect(await waitFor('the close', stranger.closed)).toMatchObject({ code: CLOSE_CODES.notWelcome });
    expect(failures).toEqual(['HOLDFAST_WRONG_CLUSTER']);
  });
});
