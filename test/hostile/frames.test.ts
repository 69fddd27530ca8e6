import {
  CLIENT_SUBPROTOCOL,
  type ClientMessage,
  LIMITS,
  PEER_SUBPROTOCOL,
  type PeerHello,
  PROTOCOL_VERSION,
  SNAPSHOT_SUBPROTOCOL,
} from '@holdfast/types';
import { EntryCodec, encodeClientMessages, encodePeerFrame, encodePeerHello } from '@holdfast/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bystander } from '../support/faults/bystander.ts';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { type Ending, frameBytes, RawSocket } from '../support/faults/raw-socket.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const FRAGMENTS = 300_000;
/** Attacks at once: they run in the process whose writes must not be held up. */
const ATTACKERS = 6;
const MUTATED_FRAMES = isLong ? 5000 : 150;
const SUBPROTOCOLS = {
  '/client': CLIENT_SUBPROTOCOL,
  '/peer': PEER_SUBPROTOCOL,
  '/snapshot': SNAPSHOT_SUBPROTOCOL,
} as const;
type Path = keyof typeof SUBPROTOCOLS;
const PATHS = Object.keys(SUBPROTOCOLS) as Path[];
const FRAME_BYTES_MAX = {
  '/client': LIMITS.clientFrameBytesMax,
  '/peer': LIMITS.peerFrameBytesMax,
  '/snapshot': LIMITS.peerFrameBytesMax,
} as const satisfies Record<Path, number>;

async function open(port: number, path: Path): Promise<RawSocket> {
  const raw = new RawSocket(port);
  expect(await raw.upgrade(path, { 'sec-websocket-protocol': SUBPROTOCOLS[path] })).toBe('HTTP/1.1 101');
  return raw;
}

const hello = (changes: Partial<Extract<ClientMessage, { kind: 'hello' }>> = {}): ClientMessage => ({
  kind: 'hello',
  protocol: PROTOCOL_VERSION,
  database: 'default',
  name: 'hostile',
  ...changes,
});

const peerHello = (changes: Partial<PeerHello> = {}): PeerHello =>
  ({
    protocol: PROTOCOL_VERSION,
    node: 'n2',
    disk: 'a'.repeat(32),
    boot: 'b'.repeat(32),
    voters: ['n1', 'n2', 'n3'],
    clientUrl: 'ws://127.0.0.1:1',
    ...changes,
  }) as PeerHello;

const claims = (token: number): Buffer => Buffer.from([token, 0xff, 0xff, 0xff, 0xff]);

/** What no path takes as a first message. */
const GARBAGE: Readonly<Record<string, Uint8Array>> = {
  'an empty frame': Buffer.alloc(0),
  'a byte of nothing': Buffer.from([0xc1]),
  'words in a binary frame': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  'an array that claims four thousand million elements': claims(0xdd),
  'an array of arrays that claim as many': Buffer.concat([Buffer.from([0x91]), claims(0xdd)]),
  'a text that claims four gigabytes': Buffer.concat([Buffer.from([0x91]), claims(0xdb)]),
  'bytes that claim four gigabytes': Buffer.concat([Buffer.from([0x91]), claims(0xc6)]),
  'a map that claims as much': claims(0xdf),
  'a record definition': Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61]),
  'a million arrays in each other': Buffer.alloc(1_000_000, 0x91),
  'a million empty messages': Buffer.concat([
    Buffer.from([0xdd, 0x00, 0x0f, 0x42, 0x40]),
    Buffer.alloc(1_000_000, 0x90),
  ]),
  'a map with __proto__': Buffer.concat([
    Buffer.from([0x81, 0xa9]),
    Buffer.from('__proto__'),
    Buffer.from([0x80]),
  ]),
};

const TOO_LONG = { code: 1009, reason: /the first message is longer than 65536 bytes/ };

interface Attack {
  readonly name: string;
  readonly path: Path;
  readonly act: (raw: RawSocket) => void;
  readonly expected: { readonly code: number; readonly reason?: RegExp };
}

function fragments(): Buffer {
  const fragment = frameBytes(Buffer.alloc(1), { opcode: 'continuation', final: false });
  return Buffer.concat(Array.from({ length: FRAGMENTS }, () => fragment));
}

const attacks: Attack[] = PATHS.flatMap((path): Attack[] => [
  ...Object.entries(GARBAGE).map(([name, bytes]) => ({
    name,
    path,
    act: (raw: RawSocket) => raw.frame(bytes),
    // Long ones are not even taken in from somebody who has not said hello.
    expected: bytes.byteLength > LIMITS.helloBytesMax ? TOO_LONG : { code: 4000, reason: /./ },
  })),
  {
    name: 'a text frame',
    path,
    act: (raw) => raw.frame(Buffer.from('hello'), { opcode: 'text' }),
    expected: { code: 4000, reason: /binary/ },
  },
  {
    name: 'a frame longer than the longest',
    path,
    act: (raw) => raw.frame(Buffer.alloc(16), { claimedBytes: FRAME_BYTES_MAX[path] + 1 }),
    expected: { code: 1009 },
  },
  {
    name: 'a frame of 2^53 bytes',
    path,
    act: (raw) => raw.frame(Buffer.alloc(16), { claimedBytes: Number.MAX_SAFE_INTEGER }),
    expected: { code: 1009 },
  },
  {
    name: 'a frame that is not masked',
    path,
    act: (raw) => raw.frame(Buffer.from([0x90]), { isMasked: false }),
    expected: { code: 1002 },
  },
  {
    name: 'reserved bits',
    path,
    act: (raw) => raw.frame(Buffer.from([0x90]), { reservedBits: 7 }),
    expected: { code: 1002 },
  },
  {
    name: 'a continuation of nothing',
    path,
    act: (raw) => raw.frame(Buffer.from([0x90]), { opcode: 'continuation' }),
    expected: { code: 1002 },
  },
  {
    name: 'a ping of 200 bytes',
    path,
    act: (raw) => raw.frame(Buffer.alloc(200), { opcode: 'ping' }),
    expected: { code: 1002 },
  },
  {
    name: 'silence',
    path,
    act: () => {},
    expected: { code: 4007, reason: /no hello in time/ },
  },
  {
    name: 'half a frame, and silence',
    path,
    act: (raw) => raw.frame(Buffer.alloc(100), { claimedBytes: 200 }),
    expected: { code: 4007, reason: /no hello in time/ },
  },
  {
    name: 'a message of ever more fragments',
    path,
    act: (raw) => {
      raw.frame(Buffer.alloc(1), { final: false });
      raw.write(fragments());
    },
    expected: TOO_LONG,
  },
]);

attacks.push(
  {
    name: 'another version',
    path: '/client',
    act: (raw) => raw.frame(encodeClientMessages([hello({ protocol: 99 })])),
    expected: { code: 4001, reason: /speaks protocol 4, the client 99/ },
  },
  {
    name: 'another cluster',
    path: '/client',
    act: (raw) => raw.frame(encodeClientMessages([hello({ cluster: 'f'.repeat(32) as never })])),
    expected: { code: 4002, reason: /belongs to cluster/ },
  },
  {
    name: 'another database',
    path: '/client',
    act: (raw) => raw.frame(encodeClientMessages([hello({ database: 'nowhere' })])),
    expected: { code: 4003, reason: /no database/ },
  },
  {
    name: 'a request before hello',
    path: '/client',
    act: (raw) => raw.frame(encodeClientMessages([{ kind: 'ping', id: 1 }])),
    expected: { code: 4000, reason: /before hello/ },
  },
  {
    name: 'a second hello',
    path: '/client',
    act: (raw) => raw.frame(encodeClientMessages([hello(), hello()])),
    expected: { code: 4000, reason: /second hello/ },
  },
  {
    name: 'after hello half a trace',
    path: '/client',
    act: (raw) => {
      raw.frame(encodeClientMessages([hello()]));
      // [[15, 1]]
      raw.frame(Buffer.from('91920f01', 'hex'));
    },
    expected: { code: 4000, reason: /trace/ },
  },
  ...Object.entries(GARBAGE).map(
    ([name, bytes]): Attack => ({
      name: `after hello ${name}`,
      path: '/client',
      act: (raw) => {
        raw.frame(encodeClientMessages([hello()]));
        raw.frame(bytes);
      },
      expected: { code: 4000, reason: /./ },
    }),
  ),
  {
    name: 'after hello a message of ever more fragments',
    path: '/client',
    act: (raw) => {
      raw.frame(encodeClientMessages([hello()]));
      raw.frame(Buffer.alloc(1), { final: false });
      raw.write(fragments());
    },
    expected: { code: 1008 },
  },
  {
    name: 'another version',
    path: '/peer',
    act: (raw) => raw.frame(encodePeerHello(peerHello({ protocol: 7 }))),
    expected: { code: 4001, reason: /protocol/ },
  },
  {
    name: 'another list of voters',
    path: '/peer',
    act: (raw) => raw.frame(encodePeerHello(peerHello({ voters: ['n1', 'n2'] as never }))),
    expected: { code: 4002, reason: /configured with the nodes n1, n2, n3; n2 with n1, n2/ },
  },
  {
    name: 'another cluster',
    path: '/peer',
    act: (raw) => raw.frame(encodePeerHello(peerHello({ cluster: 'f'.repeat(32) as never }))),
    expected: { code: 4002, reason: /belongs to cluster/ },
  },
  {
    name: 'a stranger',
    path: '/peer',
    act: (raw) => raw.frame(encodePeerHello(peerHello({ node: 'n9' as never }))),
    expected: { code: 4003, reason: /n9 is not a node of this cluster/ },
  },
  {
    name: 'its own name',
    path: '/peer',
    act: (raw) => raw.frame(encodePeerHello(peerHello({ node: 'n1' as never }))),
    expected: { code: 4003, reason: /two nodes share an id/ },
  },
  {
    name: 'a frame before hello',
    path: '/peer',
    act: (raw) => raw.frame(encodePeerFrame({ database: '', messages: [] }, new EntryCodec())),
    expected: { code: 4000, reason: /./ },
  },
);

// G17.
test('whatever a connection says, it alone is closed, with a code and a reason', async () => {
  const cluster = await ProcessCluster.start({
    flags: { electionTimeoutMs: 2000 },
  });
  const bystander = await Bystander.begin(cluster);
  // n1 is told the names above; it is whatever it is, primary or not.
  const port = cluster.port('n1');
  const left = [...attacks];
  const attack = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { name, path, act, expected } = next;
      const raw = await open(port, path);
      act(raw);
      const ending: Ending = await raw.ended();
      raw.destroy();
      expect.soft(ending.code, `${path}: ${name} (${ending.reason})`).toBe(expected.code);
      if (expected.reason !== undefined)
        expect.soft(ending.reason, `${path}: ${name}`).toMatch(expected.reason);
    }
  };
  await Promise.all(Array.from({ length: ATTACKERS }, attack));
  console.log(`${attacks.length} attacks; ${await bystander.end()}`);
});

test('frames with bytes changed at random close their connection or are answered, and nothing else', async () => {
  const cluster = await ProcessCluster.start({
    flags: { electionTimeoutMs: 2000 },
  });
  const bystander = await Bystander.begin(cluster);
  const port = cluster.port('n1');
  const frames: Readonly<Record<Path, Uint8Array>> = {
    '/client': encodeClientMessages([
      hello(),
      { kind: 'openSession', id: 1, remainingMs: 1000 },
      {
        kind: 'read',
        reads: [
          { id: 2, consistency: 'eventual', remainingMs: 1000, keys: [Buffer.from('k')], token: 0 as never },
        ],
      },
      { kind: 'ping', id: 3 },
    ]),
    '/peer': encodePeerHello(peerHello({ node: 'n9' as never })),
    '/snapshot': encodePeerHello(peerHello({ node: 'n9' as never })),
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PATHS),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(), { nil: undefined }),
      async (path, changes, cut) => {
        const bytes = Buffer.from(frames[path]);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const raw = await open(port, path);
        raw.frame(cut === undefined ? bytes : bytes.subarray(0, cut % bytes.length));
        // A proper end, after which nothing of it may be left.
        raw.frame(Buffer.from([0x03, 0xe8]), { opcode: 'close' });
        await raw.ended();
        raw.destroy();
      },
    ),
    { numRuns: MUTATED_FRAMES },
  );
  console.log(await bystander.end());
});
