import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import {
  type Connection,
  type DatabaseUid,
  type Listener,
  type NodeId,
  nodeId,
  PEER_SUBPROTOCOL,
  type PeerHello,
  type PeerMessage,
  PROTOCOL_VERSION,
  term,
} from '@holdfast/types';
import { decodePeerHello, EntryCodec, encodePeerFrame, encodePeerHello } from '@holdfast/wire';
import { afterEach, describe, expect, test } from 'vitest';
import { CLOSE_CODES } from '../../src/links/close-codes.ts';
import { type LinkTiming, linkTiming } from '../../src/links/link-timing.ts';
import { PeerLinks } from '../../src/links/peer-links.ts';
import { TurnEnd } from '../../src/turn-end.ts';
import { reservePorts } from './support/ports.ts';
import { waitFor } from './support/wait-for.ts';

const VOTERS = ['n1', 'n2'].map(nodeId);
const TIMING: LinkTiming = {
  ...linkTiming({
    heartbeatMs: 20,
    electionTimeoutMs: 100,
    rankStepMs: 5,
    preVoteRepeatMs: 5,
    persistStallMaxMs: 100,
  }),
  handshakeTimeoutMs: 300,
};
const UID = 'd'.repeat(32) as DatabaseUid;
const SILENCE_MS = TIMING.pulseMs * TIMING.silentPulsesMax;
/** Of a slow network: so many bytes, so often. */
const [TURN_BYTES, TURN_MS] = [500, 5];

const transport = new WebSocketTransport();
const clock = new SystemClock();
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Side {
  readonly links: PeerLinks;
  /** What happened, in order. */
  readonly log: string[];
  readonly messages: { from: NodeId; database: string; message: PeerMessage }[];
}

function hello(node: string, changes: Partial<PeerHello> = {}): PeerHello {
  return {
    protocol: PROTOCOL_VERSION,
    node: nodeId(node),
    disk: '0'.repeat(32) as PeerHello['disk'],
    boot: '1'.repeat(32) as PeerHello['boot'],
    voters: VOTERS,
    clientUrl: 'ws://127.0.0.1:1',
    ...changes,
  };
}

async function side(
  node: string,
  ports: { own: number; peer: number },
  changes: Partial<PeerHello> = {},
): Promise<Side & { readonly listener: Listener }> {
  const log: string[] = [];
  const messages: Side['messages'] = [];
  const peer = nodeId(node === 'n1' ? 'n2' : 'n1');
  const links = new PeerLinks({
    peers: [{ id: peer, url: `ws://127.0.0.1:${ports.peer}` }],
    transport,
    clock,
    random: new SystemRandom(),
    turnEnd: new TurnEnd(),
    entries: new EntryCodec(),
    timing: TIMING,
    bufferedBytesMax: 1_000_000,
    ownHello: () => hello(node, changes),
    onLinkUp: ({ node: from }) => log.push(`up ${from}`),
    onLinkDown: (from, cause) => log.push(`${cause} ${from}`),
    onMessages: (from, { database, messages: received }) => {
      for (const message of received) messages.push({ from, database, message });
    },
    onRefused: (_who, refusal) => log.push(refusal.code),
  });
  const listener = await transport.listen({
    host: '127.0.0.1',
    port: ports.own,
    decide: () => ({ accept: PEER_SUBPROTOCOL, maxMessageBytes: 1_000_000 }),
    onConnection: (connection) => links.accept(connection),
  });
  links.start();
  closing.push(() => {
    links.stop(true);
    return listener.close();
  });
  return { links, log, messages, listener };
}

/** A peer that does as the test says: dials and tells what it is told. */
interface Stranger {
  readonly connection: Connection;
  readonly received: Uint8Array[];
  closed: { code: number; reason: string } | undefined;
}

async function dial(port: number): Promise<Stranger> {
  const received: Uint8Array[] = [];
  const stranger: Stranger = {
    received,
    closed: undefined,
    connection: transport.connect({
      url: `ws://127.0.0.1:${port}/peer`,
      subprotocol: PEER_SUBPROTOCOL,
      handshakeTimeoutMs: 1000,
      maxMessageBytes: 1_000_000,
      handlers: {
        onOpen: () => opened(),
        onMessage: (bytes) => received.push(bytes),
        onClose: (info) => {
          stranger.closed = info;
        },
      },
    }),
  };
  let opened = (): void => {};
  await new Promise<void>((resolve) => {
    opened = resolve;
  });
  closing.push(() => stranger.connection.terminate());
  return stranger;
}

async function pair(): Promise<[Side & { listener: Listener }, Side & { listener: Listener }, number[]]> {
  const ports = await reservePorts(2);
  const one = await side('n1', { own: ports[0]!, peer: ports[1]! });
  const two = await side('n2', { own: ports[1]!, peer: ports[0]! });
  await waitFor('both links', () => one.log.includes('up n2') && two.log.includes('up n1'));
  one.log.length = 0;
  two.log.length = 0;
  return [one, two, ports];
}

test('each side dials; messages of one turn arrive in order and name their database', async () => {
  const [one, two] = await pair();
  one.links.send(nodeId('n2'), UID, { kind: 'resigned', term: term(1) });
  one.links.send(nodeId('n2'), UID, { kind: 'higherTerm', term: term(2) });
  one.links.send(nodeId('n2'), '', { kind: 'higherTerm', term: term(3) });
  await waitFor('three messages', () => two.messages.length === 3);
  expect(two.messages).toEqual([
    { from: 'n1', database: UID, message: { kind: 'resigned', term: 1 } },
    { from: 'n1', database: UID, message: { kind: 'higherTerm', term: 2 } },
    { from: 'n1', database: '', message: { kind: 'higherTerm', term: 3 } },
  ]);
});

test('a peer that dies is known lost, then refused, within a few milliseconds; it is found again', async () => {
  const [one, two, ports] = await pair();
  two.links.stop(true);
  await two.listener.close();
  await waitFor('lost and refused', () => one.log.includes('lost n2') && one.log.includes('refused n2'));
  expect(one.log.indexOf('lost n2')).toBeLessThan(one.log.indexOf('refused n2'));
  one.log.length = 0;
  await side('n2', { own: ports[1]!, peer: ports[0]! });
  await waitFor('up again', () => one.log.includes('up n2'));
});

test('a link on which nothing comes back is cut and dialled again', async () => {
  const ports = await reservePorts(2);
  const accepted: Connection[] = [];
  const mute = await transport.listen({
    host: '127.0.0.1',
    port: ports[1]!,
    decide: () => ({ accept: PEER_SUBPROTOCOL, maxMessageBytes: 1_000_000 }),
    onConnection: (connection) => {
      accepted.push(connection);
      connection.handlers = {
        // Answers the greeting, and nothing ever after.
        onMessage: (bytes) => {
          if (bytes.byteLength > 60) connection.send(encodePeerHello(hello('n2')));
        },
        onClose: () => {},
      };
    },
  });
  closing.push(() => mute.close());
  const one = await side('n1', { own: ports[0]!, peer: ports[1]! });
  await waitFor('up', () => one.log.includes('up n2'));
  await waitFor('lost for its silence', () => one.log.includes('lost n2'));
  await waitFor('dialled again', () => accepted.length > 1);
});

/** Passes on what is said to `port`: bit by bit once `slow`, nothing once `stuck`. */
async function slowNetwork(port: number): Promise<{ port: number; slow: boolean; stuck: boolean }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTo(port, '127.0.0.1');
    let waiting = Buffer.alloc(0);
    const pass = (): void => {
      const due = network.stuck ? 0 : network.slow ? TURN_BYTES : waiting.length;
      if (due > 0 && waiting.length > 0) far.write(waiting.subarray(0, due));
      waiting = waiting.subarray(due);
    };
    const timer = setInterval(pass, TURN_MS);
    near.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      if (!network.slow) pass();
    });
    far.on('data', (bytes) => near.write(bytes));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        clearInterval(timer);
        other.destroy();
        sockets.delete(socket);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const network = { port: (server.address() as AddressInfo).port, slow: false, stuck: false };
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return network;
}

describe('one message that takes three times as long on the network as a link may be silent', () => {
  async function sending(): Promise<{
    one: Side;
    two: Side;
    network: Awaited<ReturnType<typeof slowNetwork>>;
  }> {
    const ports = await reservePorts(2);
    const network = await slowNetwork(ports[1]!);
    const one = await side('n1', { own: ports[0]!, peer: network.port });
    const two = await side('n2', { own: ports[1]!, peer: ports[0]! });
    await waitFor('both links', () => one.log.includes('up n2') && two.log.includes('up n1'));
    one.log.length = 0;
    network.slow = true;
    const message: PeerMessage = { kind: 'higherTerm', term: term(1) };
    const hundred = encodePeerFrame({ database: UID, messages: Array(100).fill(message) }, new EntryCodec());
    const bytes = ((3 * SILENCE_MS) / TURN_MS) * TURN_BYTES;
    const count = Math.ceil((100 * bytes) / hundred.byteLength);
    // What is said in one turn goes out as one message.
    for (let at = 0; at < count; at++) one.links.send(nodeId('n2'), UID, message);
    return { one, two, network };
  }

  test('arrives, on the link on which it was sent', async () => {
    const { one, two } = await sending();
    await waitFor('it arrives', () => two.messages.length > 0);
    expect(one.log).toEqual([]);
  });

  test('is given up once no more of it comes in', async () => {
    const { one, two, network } = await sending();
    const since = performance.now();
    await waitFor('some of it came in', () => performance.now() - since > 2 * SILENCE_MS);
    expect(one.log).toEqual([]);
    network.stuck = true;
    await waitFor('lost for its silence', () => one.log.includes('lost n2'));
    expect(two.messages).toEqual([]);
  });
});

test('a peer that accepts and never greets is refused after the handshake timeout', async () => {
  const ports = await reservePorts(2);
  const mute = await transport.listen({
    host: '127.0.0.1',
    port: ports[1]!,
    decide: () => ({ accept: PEER_SUBPROTOCOL, maxMessageBytes: 1_000_000 }),
    onConnection: (connection) => {
      connection.handlers = { onMessage: () => {}, onClose: () => {} };
    },
  });
  closing.push(() => mute.close());
  const one = await side('n1', { own: ports[0]!, peer: ports[1]! });
  await waitFor('refused', () => one.log.includes('refused n2'));
  expect(one.log).not.toContain('up n2');
});

test('links that live keep alive without a message of a core', async () => {
  const [one, two] = await pair();
  const since = performance.now();
  await waitFor(
    'many silences long',
    () => performance.now() - since > 3 * TIMING.pulseMs * TIMING.silentPulsesMax,
  );
  expect(one.log).not.toContain('lost n2');
  expect(two.log).not.toContain('lost n1');
});

test.each([
  ['another version', hello('n2', { protocol: 9 }), CLOSE_CODES.versionMismatch, 'HOLDFAST_VERSION_MISMATCH'],
  [
    'another list of nodes',
    hello('n2', { voters: [...VOTERS, nodeId('n3')] }),
    CLOSE_CODES.wrongCluster,
    'HOLDFAST_WRONG_CLUSTER',
  ],
  // MessagePack of [9, "n2"]: what a greeting of that version looks like nobody knows.
  [
    'another version of another shape',
    Uint8Array.of(0x92, 9, 0xa2, 0x6e, 0x32),
    CLOSE_CODES.versionMismatch,
    'HOLDFAST_VERSION_MISMATCH',
  ],
  ['an unknown node', hello('n7'), CLOSE_CODES.notWelcome, 'HOLDFAST_WRONG_CLUSTER'],
])('%s is turned away with the reason', async (_what, theirs, closeCode, code) => {
  const ports = await reservePorts(2);
  const one = await side('n1', { own: ports[0]!, peer: ports[1]! });
  const stranger = await dial(ports[0]!);
  stranger.connection.send(theirs instanceof Uint8Array ? theirs : encodePeerHello(theirs));
  const closed = await waitFor('the close', () => stranger.closed);
  expect(closed.code).toBe(closeCode);
  expect(closed.reason).not.toBe('');
  expect(one.log).toContain(code);
});

test('garbage closes its own link and no other', async () => {
  const [one, two, ports] = await pair();
  const stranger = await dial(ports[0]!);
  stranger.connection.send(new Uint8Array([0xc1, 2, 3]));
  expect((await waitFor('the close', () => stranger.closed)).code).toBe(CLOSE_CODES.invalidMessage);
  one.links.send(nodeId('n2'), UID, { kind: 'resigned', term: term(1) });
  await waitFor('the message', () => two.messages.length === 1);
  expect(one.log.filter((line) => line.startsWith('lost'))).toEqual([]);
});

test('garbage after the greeting closes that link; the newer link of a peer takes the older one’s place', async () => {
  const ports = await reservePorts(2);
  await side('n1', { own: ports[0]!, peer: ports[1]! });
  const older = await dial(ports[0]!);
  older.connection.send(encodePeerHello(hello('n2')));
  await waitFor('the greeting', () => older.received.length === 1);
  expect(decodePeerHello(older.received[0]!).node).toBe('n1');
  const newer = await dial(ports[0]!);
  newer.connection.send(encodePeerHello(hello('n2')));
  expect((await waitFor('the older to close', () => older.closed)).code).toBe(CLOSE_CODES.replaced);
  newer.connection.send(new Uint8Array(100));
  expect((await waitFor('the newer to close', () => newer.closed)).code).toBe(CLOSE_CODES.invalidMessage);
});

test('who says no hello in time is cut', async () => {
  const ports = await reservePorts(2);
  await side('n1', { own: ports[0]!, peer: ports[1]! });
  const stranger = await dial(ports[0]!);
  expect((await waitFor('the close', () => stranger.closed)).code).toBe(CLOSE_CODES.handshakeTimeout);
});
