import type { CloseInfo, Connection } from '@holdfast/types';
import { expect, test } from 'vitest';
import { RawSocket } from '../../../test/support/faults/raw-socket.ts';
import { WebSocketTransport } from '../src/index.ts';

const HALF = Buffer.alloc(50_000);

interface Seen {
  readonly messages: number[];
  readonly closes: CloseInfo[];
  receivedBytes: number;
}

/** What a listener sees of one that says `first`, then something that is not whole, and is gone. */
async function saysHalf(say: (raw: RawSocket) => void): Promise<Seen> {
  const seen: Seen = { messages: [], closes: [], receivedBytes: 0 };
  let connection: Connection | undefined;
  const closed = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const listener = await new WebSocketTransport().listen({
    host: '127.0.0.1',
    port: 0,
    decide: () => ({ accept: 'test.v1', maxMessageBytes: 1_000_000 }),
    onConnection: (one) => {
      connection = one;
      one.handlers = {
        onMessage: (bytes) => {
          seen.messages.push(bytes.byteLength);
          arrived.resolve();
        },
        onClose: (info) => {
          seen.closes.push(info);
          seen.receivedBytes = one.receivedBytes;
          closed.resolve();
        },
      };
    },
  });
  const raw = new RawSocket(listener.port);
  expect(await raw.upgrade('/', { 'sec-websocket-protocol': 'test.v1' })).toBe('HTTP/1.1 101');
  raw.frame(Buffer.from('first'));
  await arrived.promise;
  expect(connection).toBeDefined();
  say(raw);
  raw.socket.end();
  await closed.promise;
  await listener.close();
  return seen;
}

test.each<[string, (raw: RawSocket) => void]>([
  ['half of a frame', (raw) => raw.frame(HALF, { claimedBytes: 100_000 })],
  [
    'one fragment of a message, and half of the next',
    (raw) => {
      raw.frame(HALF, { final: false });
      raw.frame(HALF, { opcode: 'continuation', claimedBytes: 100_000 });
    },
  ],
  ['all fragments of a message but the last', (raw) => raw.frame(HALF, { final: false })],
])('%s, and the end: none of it is handed up, and the end is told once', async (_what, say) => {
  const { messages, closes, receivedBytes } = await saysHalf(say);
  expect(messages).toEqual([5]);
  expect(closes).toMatchObject([{ cause: 'closed', code: 1006 }]);
  expect(receivedBytes).toBeGreaterThan(HALF.length);
});
