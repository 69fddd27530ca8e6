import type {
  ClientMessage,
  Entry,
  NodeId,
  PeerMessage,
  ServerMessage,
  SnapshotMessage,
  Term,
} from '@holdfast/types';
import fc, { type Arbitrary } from 'fast-check';
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

/** Byte strings come back as views of a Buffer: the same bytes, another class. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

function expectSame(actual: unknown, expected: unknown): void {
  expect(plain(actual)).toStrictEqual(plain(expected));
}

function roundTrips<Message>(
  kind: string,
  messages: Arbitrary<Message>,
  pass: (message: Message) => Message,
): void {
  test(`${kind} arrives as it was sent`, () => {
    fc.assert(
      fc.property(messages, (message) => expectSame(pass(message), message)),
      arbitrary.runs(60),
    );
  });
}

describe('entries', () => {
  test('arrive as they were logged, and encode again to the same bytes', () => {
    fc.assert(
      fc.property(arbitrary.entry, (entry) => {
        const bytes = new EntryCodec().encode(entry);
        const receiver = new EntryCodec();
        const decoded = receiver.decode(bytes);
        expectSame(decoded, entry);
        expect(receiver.encode(decoded)).toBe(bytes);
        const copy = { ...decoded };
        expect(Buffer.from(receiver.encode(copy)).equals(bytes)).toBe(true);
      }),
      arbitrary.runs(300),
    );
  });

  test('are encoded once', () => {
    const codec = new EntryCodec();
    const entry = fc.sample(arbitrary.entry, 1)[0] as Entry;
    expect(codec.encode(entry)).toBe(codec.encode(entry));
  });
});

describe('peer messages', () => {
  for (const [kind, messages] of Object.entries(arbitrary.peerMessages)) {
    roundTrips<PeerMessage>(kind, messages, (message) => {
      const frame = encodePeerFrame({ database: '', messages: [message] }, new EntryCodec());
      return decodePeerFrame(frame, new EntryCodec()).messages[0]!;
    });
  }
  roundTrips('hello', arbitrary.peerHello, (hello) => decodePeerHello(encodePeerHello(hello)));

  test('many to a frame keep their order, and the frame its database', () => {
    const frames = fc.record({
      database: arbitrary.databaseUid,
      messages: fc.array(fc.oneof(...(Object.values(arbitrary.peerMessages) as Arbitrary<PeerMessage>[])), {
        maxLength: 20,
      }),
    });
    fc.assert(
      fc.property(frames, (frame) => {
        expectSame(decodePeerFrame(encodePeerFrame(frame, new EntryCodec()), new EntryCodec()), frame);
      }),
      arbitrary.runs(40),
    );
  });

  test('traces go beside the messages', () => {
    const traced = fc.record({
      database: arbitrary.databaseUid,
      messages: fc.array(arbitrary.peerMessages.append, { maxLength: 2 }),
      traces: entryTraces,
    });
    fc.assert(
      fc.property(traced, (frame) => {
        expectSame(decodePeerFrame(encodePeerFrame(frame, new EntryCodec()), new EntryCodec()), frame);
      }),
      arbitrary.runs(40),
    );
  });

  test('an append embeds the bytes of its entries unchanged', () => {
    const codec = new EntryCodec();
    const entry = fc.sample(arbitrary.entry, { numRuns: 1, seed: 1 })[0] as Entry;
    const append = {
      kind: 'append',
      term: entry.term,
      previous: { index: entry.index, term: entry.term },
      entries: [entry],
      commit: entry.index,
    } as const;
    const frame = encodePeerFrame({ database: '', messages: [append] }, codec);
    expect(Buffer.from(frame).includes(Buffer.from(codec.encode(entry)))).toBe(true);
    const receiver = new EntryCodec();
    const decoded = decodePeerFrame(frame, receiver).messages[0] as typeof append;
    expect(Buffer.from(receiver.encode(decoded.entries[0])).equals(codec.encode(entry))).toBe(true);
  });
});

describe('snapshot messages', () => {
  for (const [kind, messages] of Object.entries(arbitrary.snapshotMessages)) {
    roundTrips<SnapshotMessage>(kind, messages, (message) =>
      decodeSnapshotMessage(encodeSnapshotMessage(message)),
    );
  }
});

describe('client messages', () => {
  for (const [kind, messages] of Object.entries(arbitrary.clientMessages)) {
    roundTrips<ClientMessage>(
      kind,
      messages,
      (message) => decodeClientMessages(encodeClientMessages([message]))[0]!,
    );
  }
});

describe('server messages', () => {
  for (const [kind, messages] of Object.entries(arbitrary.serverMessages)) {
    roundTrips<ServerMessage>(
      kind,
      messages,
      (message) => decodeServerMessages(encodeServerMessages([message]))[0]!,
    );
  }
});

test('a topology whose texts are longer than a client takes is told with shorter ones', () => {
  const node = { id: 'n1' as NodeId, url: `ws://${'u'.repeat(5000)}`, zone: 'z'.repeat(5000) };
  const topology = { term: 1 as Term, nodes: [node] };
  const [told] = decodeServerMessages(encodeServerMessages([{ kind: 'topology', topology }]));
  expect(told).toMatchObject({ topology: { nodes: [{ id: 'n1', zone: 'z'.repeat(2048) }] } });
});
