import { type Connection, LIMITS } from '@holdfast/types';
import { expect, test } from 'vitest';
import { WebSocketTransport } from '../src/index.ts';

const FIRST_BYTES = 1000;
const LATER_BYTES = 100_000;

/** What came in at the listening side, and how the dialling side was closed. */
async function say(
  messages: readonly Uint8Array[],
): Promise<{ received: number[]; code: number; reason: string }> {
  const transport = new WebSocketTransport();
  const received: number[] = [];
  const listener = await transport.listen({
    host: '127.0.0.1',
    port: 0,
    decide: () => ({ accept: 'test.v1', maxMessageBytes: LATER_BYTES, firstMessageBytesMax: FIRST_BYTES }),
    onConnection: (connection) => {
      connection.handlers = {
        onMessage: (bytes) => {
          received.push(bytes.byteLength);
          if (received.length === messages.length) connection.close(1000, 'all of it');
        },
        onClose: () => {},
      };
    },
  });
  const ended = await new Promise<{ code: number; reason: string }>((resolve) => {
    const connection: Connection = transport.connect({
      url: `ws://127.0.0.1:${listener.port}/`,
      subprotocol: 'test.v1',
      handshakeTimeoutMs: LIMITS.handshakeTimeoutMs,
      maxMessageBytes: LATER_BYTES,
      handlers: {
        onOpen: () => {
          for (const message of messages) connection.send(message);
        },
        onMessage: () => {},
        onClose: resolve,
      },
    });
  });
  await listener.close();
  return { received, code: ended.code, reason: ended.reason };
}

test('a first message within its limit opens the way for longer ones', async () => {
  const { received, code } = await say([new Uint8Array(900), new Uint8Array(LATER_BYTES), new Uint8Array(1)]);
  expect(received).toEqual([900, LATER_BYTES, 1]);
  expect(code).toBe(1000);
});

test('a first message beyond its limit closes the connection before it is whole', async () => {
  const { received, code, reason } = await say([new Uint8Array(LATER_BYTES), new Uint8Array(1)]);
  expect(received).toEqual([]);
  expect(code).toBe(1009);
  expect(reason).toMatch(/first message is longer than 1000 bytes/);
});
