import {
  type ClientMessage,
  type Entry,
  LIMITS,
  type PeerMessage,
  PROTOCOL_VERSION,
  type ServerMessage,
  type SnapshotMessage,
} from '@holdfast/types';
import fc, { type Arbitrary } from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import {
  decodeClientMessages,
  decodePeerFrame,
  decodePeerHello,
  decodeServerMessages,
  decodeSnapshotMessage,
  EntryCodec,
  encodeClientMessages,
  encodePeerFrame,
  encodePeerHello,
  encodeServerMessages,
  encodeSnapshotMessage,
} from '../src/index.ts';
import * as arbitrary from './arbitraries.ts';
import { entryTraces } from './primitives.ts';
import { refusal, sealed } from './refusals.ts';

interface Decoder {
  readonly name: string;
  decode(bytes: Uint8Array): unknown;
  /** Frames that it accepts. */
  readonly valid: Arbitrary<Uint8Array>;
}

function anyOf<Message>(byKind: { readonly [Kind in string]: Arbitrary<unknown> }): Arbitrary<Message> {
  return fc.oneof(...(Object.values(byKind) as Arbitrary<Message>[]));
}

const peerMessage = anyOf<PeerMessage>(arbitrary.peerMessages);

const DECODERS: readonly Decoder[] = [
  {
    name: 'entry',
    decode: (bytes) => new EntryCodec().decode(bytes),
    valid: arbitrary.entry.map((entry) => new EntryCodec().encode(entry)),
  },
  {
    // With a checksum that fits: what stands behind it must not trust it.
    name: 'entry with a right checksum',
    decode: (content) => new EntryCodec().decode(sealed(content)),
    valid: arbitrary.entry.map((entry) => new EntryCodec().encode(entry).subarray(0, -4)),
  },
  { name: 'peer hello', decode: decodePeerHello, valid: arbitrary.peerHello.map(encodePeerHello) },
  {
    name: 'peer frame',
    decode: (bytes) => decodePeerFrame(bytes, new EntryCodec()),
    valid: fc
      .tuple(fc.array(peerMessage, { maxLength: 4 }), fc.option(entryTraces, { nil: undefined }))
      .map(([messages, traces]) =>
        encodePeerFrame(
          traces === undefined ? { database: '', messages } : { database: '', messages, traces },
          new EntryCodec(),
        ),
      ),
  },
  {
    name: 'snapshot message',
    decode: decodeSnapshotMessage,
    valid: anyOf<SnapshotMessage>(arbitrary.snapshotMessages).map(encodeSnapshotMessage),
  },
  {
    name: 'client messages',
    decode: decodeClientMessages,
    valid: fc
      .array(anyOf<ClientMessage>(arbitrary.clientMessages), { maxLength: 4 })
      .map(encodeClientMessages),
  },
  {
    name: 'server messages',
    decode: decodeServerMessages,
    valid: fc
      .array(anyOf<ServerMessage>(arbitrary.serverMessages), { maxLength: 4 })
      .map(encodeServerMessages),
  },
];

const loosePackr = new Packr({ useRecords: false, moreTypes: true, encodeUndefinedAsNil: false });
/** Well-formed MessagePack of any shape, with maps, extensions and strange numbers. */
const anyValue = fc.anything({
  withBigInt: false,
  withDate: true,
  withSet: true,
  withTypedArray: true,
  maxDepth: 4,
});

describe.each(DECODERS)('$name', ({ decode, valid }) => {
  test('arbitrary bytes are decoded or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        refusal(() => decode(bytes));
      }),
      arbitrary.runs(500),
    );
  });

  test('arbitrary MessagePack is decoded or refused', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 10 }), fc.nat(20), (values, code) => {
        refusal(() => decode(loosePackr.pack([code, ...values])));
        refusal(() => decode(loosePackr.pack([[code, ...values]])));
        refusal(() => decode(loosePackr.pack(['', [code, ...values]])));
      }),
      arbitrary.runs(300),
    );
  });

  test('a frame with changed bytes is decoded or refused', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(valid, changes, (frame, places) => {
        const bytes = Uint8Array.from(frame);
        for (const [place, byte] of places) bytes[place % bytes.length] = byte;
        refusal(() => decode(bytes));
      }),
      arbitrary.runs(400),
    );
  });

  test('a frame cut short, or with something behind it, is refused', () => {
    fc.assert(
      fc.property(valid, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }), (frame, cut, tail) => {
        expect(refusal(() => decode(frame.subarray(0, cut % frame.length)))).toBeDefined();
        expect(refusal(() => decode(Buffer.concat([frame, tail])))).toBeDefined();
      }),
      arbitrary.runs(150),
    );
  });

  test('declared lengths that are not there reserve no memory', () => {
    // Of array 32, str 32 and bin 32 each the largest there is, alone and nested.
    const heads = [
      'ddffffffff',
      'dbffffffff',
      'c6ffffffff',
      '91ddffffffff',
      '92dd00ffffffdd00ffffff',
      'dcffffdcffff',
    ];
    const before = process.memoryUsage();
    for (let round = 0; round < 200; round += 1) {
      for (const head of heads) expect(refusal(() => decode(Buffer.from(head, 'hex')))).toBeDefined();
    }
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(64 * 2 ** 20);
  });

  test('many small heads cannot reserve more than their frame is long', () => {
    // Each array declares as many elements as there are bytes left: allowed one by one, refused in sum.
    const frame = Buffer.alloc(200_000, 0xc0);
    for (let place = 0; place < frame.length - 5; place += 5) {
      frame[place] = 0xdd;
      frame.writeUInt32BE(frame.length - place - 5, place + 1);
    }
    expect(refusal(() => decode(frame))).toBeDefined();
  });

  test('deep nesting is refused', () => {
    for (const depth of [10, 1000, 1_000_000]) {
      expect(refusal(() => decode(new Uint8Array(depth).fill(0x91)))).toBeDefined();
    }
  });

  test('maps, extensions and record definitions are refused wherever they stand', () => {
    // An empty map; {__proto__: …}; fixext 1; a record definition with one field; a timestamp; never used.
    const strangers = [
      '80',
      '81a95f5f70726f746f5f5f80',
      'd40100',
      'd47240 91a161 01',
      'd6ff00000000',
      'c1',
      'c70001',
      'de0000',
    ];
    for (const stranger of strangers) {
      const value = Buffer.from(stranger.replaceAll(' ', ''), 'hex');
      for (const frame of [
        value,
        Buffer.concat([Buffer.from('91', 'hex'), value]),
        Buffer.concat([Buffer.from('9291', 'hex'), value, Buffer.from('00', 'hex')]),
      ]) {
        expect(refusal(() => decode(frame))).toBeDefined();
      }
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('entry checksum', () => {
  test('finds every flipped byte and every flipped bit', () => {
    const entry = fc
      .sample(arbitrary.entry, { numRuns: 40, seed: 3 })
      .find((each) => each.body.kind === 'requests') as Entry;
    const bytes = Uint8Array.from(new EntryCodec().encode(entry));
    const flips = [0xff, 1, 2, 4, 8, 16, 32, 64, 128];
    const stride = Math.max(1, Math.floor(bytes.length / 3000));
    for (let place = 0; place < bytes.length; place += stride) {
      for (const flip of flips) {
        bytes[place]! ^= flip;
        expect(refusal(() => new EntryCodec().decode(bytes))?.message).toBe('checksum: does not match');
        bytes[place]! ^= flip;
      }
    }
    expect(refusal(() => new EntryCodec().decode(bytes))).toBeUndefined();
  });

  test('is checked inside an append too, and the error says where', () => {
    const codec = new EntryCodec();
    const entry = fc.sample(arbitrary.entry, { numRuns: 1, seed: 5 })[0] as Entry;
    const append: PeerMessage = {
      kind: 'append',
      term: entry.term,
      previous: { index: entry.index, term: entry.term },
      entries: [entry],
      commit: entry.index,
    };
    const frame = Uint8Array.from(encodePeerFrame({ database: '', messages: [append] }, codec));
    frame[frame.length - 1]! ^= 1;
    expect(refusal(() => decodePeerFrame(frame, new EntryCodec()))?.message).toBe(
      'messages[0].append.entries[0].checksum: does not match',
    );
  });
});

describe('fields', () => {
  const packr = new Packr({ useRecords: false, moreTypes: false });
  const hex = '0'.repeat(32);
  const hello = [PROTOCOL_VERSION, 'n1', hex, hex, null, ['n1'], null, 'ws://x:1', null];
  const write = (request: unknown[]): unknown[] => [[3, '1.1.0', 0, request]];
  const key = new Uint8Array([1]);

  test.each<[string, (bytes: Uint8Array) => unknown, unknown[], string]>([
    ['a fraction', decodePeerHello, [1.5, ...hello.slice(1)], 'protocol: not a whole number from 0'],
    ['a negative number', decodePeerHello, [-1, ...hello.slice(1)], 'protocol: not a whole number from 0'],
    ['beyond 53 bits', decodePeerHello, [2 ** 53, ...hello.slice(1)], 'protocol: not a whole number from 0'],
    ['not a number', decodePeerHello, [Number.NaN, ...hello.slice(1)], 'protocol: not a whole number from 0'],
    [
      'a node id with a space',
      decodePeerHello,
      [PROTOCOL_VERSION, 'n 1', ...hello.slice(2)],
      'node: not a node id',
    ],
    [
      'a node id that is a number',
      decodePeerHello,
      [PROTOCOL_VERSION, 1, ...hello.slice(2)],
      'node: not a node id',
    ],
    [
      'a short disk id',
      decodePeerHello,
      [PROTOCOL_VERSION, 'n1', 'abc', ...hello.slice(3)],
      'disk: not 32 hexadecimal digits',
    ],
    [
      'a voter',
      decodePeerHello,
      [PROTOCOL_VERSION, 'n1', hex, hex, null, ['n1', '-'], null, '', null],
      'voters[1].id: not a node id',
    ],
    [
      'an exclusion',
      decodePeerHello,
      [PROTOCOL_VERSION, 'n1', hex, hex, null, [], 7, '', null],
      'exclusion: unknown code',
    ],
    ['missing parts', decodePeerHello, [PROTOCOL_VERSION, 'n1'], 'hello: 2 parts, 9 expected'],
    [
      'long text',
      decodePeerHello,
      [PROTOCOL_VERSION, 'n1', hex, hex, null, [], null, 'x'.repeat(2049), null],
      'clientUrl: longer than 2048 characters',
    ],
    ['a kind', decodeClientMessages, [[99]], 'messages[0].kind: unknown code'],
    ['a kind that is a fraction', decodeClientMessages, [[0.5]], 'messages[0].kind: unknown code'],
    ['a kind that is a name', decodeClientMessages, [['length']], 'messages[0].kind: unknown code'],
    [
      'an ack',
      decodeClientMessages,
      write([1, 1, 3, 5, [], []]),
      'messages[0].write.requests[0].ack: unknown code',
    ],
    [
      'sequence 0',
      decodeClientMessages,
      write([1, 0, 1, 5, [], []]),
      'messages[0].write.requests[0].sequence: not a whole number from 1',
    ],
    [
      'a deadline without end',
      decodeClientMessages,
      write([1, 1, 1, Number.POSITIVE_INFINITY, [], []]),
      'messages[0].write.requests[0].remainingMs: not a finite number from 0',
    ],
    [
      'a put without a value',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [0, key, null]]),
      'messages[0].write.requests[0].operations.value: not a byte string',
    ],
    [
      'a key that is text',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [1, 'k', null]]),
      'messages[0].write.requests[0].operations.key: not a byte string',
    ],
    [
      'half an operation',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [1, key]]),
      'messages[0].write.requests[0].operations: the last one is not whole',
    ],
    [
      'a get with a value',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [], [3, key, key]]),
      'messages[0].write.requests[0].operations: a get with a value',
    ],
    [
      'a third branch',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [], [], [], []]),
      'messages[0].write.requests[0].request: 9 elements, at most 8 allowed',
    ],
    [
      'a clear in a transaction',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [], [], [null, null, null, null, false, -1, 7]]),
      'messages[0].write.requests[0].clear: in a transaction',
    ],
    [
      'a clear without a revision',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [], null, [null, null, null, null, false, -1, null]]),
      'messages[0].write.requests[0].clear.upTo: not a whole number from 0',
    ],
    [
      'a clear of nothing',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [], null, [null, null, null, null, false, 0, 7]]),
      'messages[0].write.requests[0].clear.limit: neither -1 nor above 0',
    ],
    [
      'a clear up to a key that is text',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [], null, [null, null, 'z', null, false, -1, 7]]),
      'messages[0].write.requests[0].range.lt: not a byte string',
    ],
    [
      'a value to compare with that is a number',
      decodeClientMessages,
      write([1, 1, 1, 5, [4, key, 7], []]),
      'messages[0].write.requests[0].conditions.value: not a byte string',
    ],
    [
      'an increment by a fraction',
      decodeClientMessages,
      write([1, 1, 1, 5, [], [2, key, 0.5]]),
      'messages[0].write.requests[0].operations.by: not a whole number of at most 53 bits',
    ],
    [
      'a session id',
      decodeClientMessages,
      [[2, 1, '01.1.1']],
      'messages[0].closeSession.session: not a session id',
    ],
    [
      'a range limit',
      decodeClientMessages,
      [[5, 1, 0, 5, 0, null, [null, null, null, null, false, -2, true, true], 1, null]],
      'messages[0].scanOpen.range.limit: below -1',
    ],
    ['half a trace', decodeClientMessages, [[15, 1]], 'messages[0].trace.traces: the last one is not whole'],
    [
      'a trace of a request without a number',
      decodeClientMessages,
      [[15, -1, 'x']],
      'messages[0].trace.traces.id: not a whole number from 0',
    ],
    [
      'a traceparent of bytes',
      decodeClientMessages,
      [[15, 1, key]],
      'messages[0].trace.traces.traceparent: not text',
    ],
    [
      'an error code',
      decodeServerMessages,
      [[8, 1, ['HOLDFAST_NEVER_HEARD', '', 0, false, null, null]]],
      'messages[0].failed.error.code: unknown',
    ],
    [
      'an error code of Object',
      decodeServerMessages,
      [[8, 1, ['toString', '', 0, false, null, null]]],
      'messages[0].failed.error.code: unknown',
    ],
    [
      'a digest',
      decodeSnapshotMessage,
      [2, 'id', 1, 'abc'],
      'snapshotEnd.digest: not a SHA-256 in lower-case hexadecimal',
    ],
    [
      'odd records',
      decodeSnapshotMessage,
      [1, 'id', 1, [key]],
      'snapshotChunk.records: a key without a value',
    ],
  ])('%s', (_, decode, message, expected) => {
    expect(refusal(() => decode(packr.pack(message)))?.message).toBe(expected);
  });

  test('a name twice in the genesis, or one that would reach a prototype', () => {
    const genesis = (voters: unknown[]): Uint8Array =>
      packr.pack(['', [15, [hex, ['default', hex], voters, 5]]]);
    const decode = (bytes: Uint8Array) => refusal(() => decodePeerFrame(bytes, new EntryCodec()))?.message;
    expect(decode(genesis(['n1', hex]))).toBeUndefined();
    expect(decode(genesis(['n1', hex, 'n1', hex]))).toBe(
      'messages[0].genesis.genesis.voters[2]: named twice',
    );
    expect(decode(genesis(['__proto__', hex]))).toBe('messages[0].genesis.genesis.voters[0]: not a node id');
  });

  test('half an echo in a heartbeat', () => {
    const heartbeat = (sentAt: number | null, commit: number | null): Uint8Array =>
      packr.pack(['', [2, 1, 1, 1, [], sentAt, commit]]);
    const decode = (bytes: Uint8Array) => refusal(() => decodePeerFrame(bytes, new EntryCodec()))?.message;
    expect(decode(heartbeat(null, null))).toBeUndefined();
    expect(decode(heartbeat(1.5, 2))).toBeUndefined();
    expect(decode(heartbeat(1.5, null))).toBe('messages[0].heartbeat.echo: half of it is missing');
    expect(decode(heartbeat(null, 2))).toBe('messages[0].heartbeat.echo: half of it is missing');
  });

  test('a negative zero arrives as zero', () => {
    const negativeZero = Buffer.from('9192 08 cb8000000000000000'.replaceAll(' ', ''), 'hex');
    expect(decodeClientMessages(negativeZero)).toStrictEqual([{ kind: 'ping', id: 0 }]);
  });
});

describe('limits', () => {
  const ping = { kind: 'ping', id: 1 } as const;

  test('messages of a client frame are counted', () => {
    const full = Array.from({ length: LIMITS.requestsPerFrameMax }, () => ping);
    expect(decodeClientMessages(encodeClientMessages(full))).toHaveLength(full.length);
    expect(refusal(() => decodeClientMessages(encodeClientMessages([...full, ping])))).toBeDefined();
  });

  test('messages without requests are counted too', () => {
    const none = Array.from(
      { length: LIMITS.requestsPerFrameMax + 1 },
      () => ({ kind: 'read', reads: [] }) as const,
    );
    expect(decodeClientMessages(encodeClientMessages(none.slice(1)))).toHaveLength(
      LIMITS.requestsPerFrameMax,
    );
    expect(refusal(() => decodeClientMessages(encodeClientMessages(none)))).toBeDefined();
  });

  test('requests of a client frame are counted over its messages', () => {
    const read = { id: 1, consistency: 'eventual', remainingMs: 1, keys: [], token: 0 } as never;
    const half = {
      kind: 'read',
      reads: Array.from({ length: LIMITS.requestsPerFrameMax / 2 }, () => read),
    } as const;
    expect(decodeClientMessages(encodeClientMessages([half, half]))).toHaveLength(2);
    expect(refusal(() => decodeClientMessages(encodeClientMessages([half, half, ping])))?.message).toBe(
      `messages: ${LIMITS.requestsPerFrameMax + 1} requests, at most ${LIMITS.requestsPerFrameMax} allowed`,
    );
  });

  test('frames longer than a link may carry', () => {
    expect(
      refusal(() => decodeClientMessages(new Uint8Array(LIMITS.clientFrameBytesMax + 1)))?.message,
    ).toMatch(/longer/);
    const long = new Uint8Array(LIMITS.peerFrameBytesMax + 1);
    expect(refusal(() => decodePeerFrame(long, new EntryCodec()))?.message).toMatch(/longer/);
    expect(refusal(() => decodeSnapshotMessage(long))?.message).toMatch(/longer/);
  });
});
