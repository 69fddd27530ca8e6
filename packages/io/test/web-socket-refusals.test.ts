import { once } from 'node:events';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import type { CloseInfo, Connection, Listener, ListenOptions } from '@holdfast/types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { WebSocketTransport } from '../src/index.ts';

/** However busy the machine is. */
const PATIENCE_MS = 15_000;
const UPGRADE =
  'GET /path HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: test.v1\r\n\r\n';

let transport: WebSocketTransport;
let listener: Listener;
let accepted: { connection: Connection; messages: number; closes: CloseInfo[] }[] = [];
let sockets: Socket[] = [];

const until = (condition: () => boolean): Promise<unknown> =>
  vi.waitUntil(condition, { timeout: PATIENCE_MS });

async function listen(options: Partial<ListenOptions> = {}): Promise<void> {
  listener = await transport.listen({
    host: '127.0.0.1',
    port: 0,
    decide: (request) =>
      request.path === '/refused'
        ? { refuse: 403, message: 'not here' }
        : { accept: 'test.v1', maxMessageBytes: 100 },
    onConnection: (connection) => {
      const end = { connection, messages: 0, closes: [] as CloseInfo[] };
      connection.handlers = {
        onMessage: () => {
          end.messages++;
          connection.send(Buffer.from('echo'));
        },
        onClose: (info) => end.closes.push(info),
      };
      accepted.push(end);
    },
    ...options,
  });
}

beforeEach(async () => {
  accepted = [];
  sockets = [];
  transport = new WebSocketTransport({ handshakeTimeoutMs: PATIENCE_MS });
  await listen();
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await listener.close();
});

async function openSocket(): Promise<Socket> {
  const socket = connectSocket(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Reads and drops what comes, so that the end is seen; an error is an end too. */
function ended(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  socket.resume();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** All that comes until the server ends the connection. */
async function answerTo(bytes: string | Uint8Array): Promise<string> {
  const socket = await openSocket();
  let answer = '';
  socket.on('data', (part) => {
    answer += part.toString('latin1');
  });
  socket.write(bytes);
  await ended(socket);
  return answer;
}

/** One client that speaks as it should: sends a message and gets its answer. */
async function expectServed(): Promise<void> {
  const client = new WebSocket(`ws://127.0.0.1:${listener.port}/`, 'test.v1');
  await once(client, 'open');
  client.send(Buffer.from('hello'));
  const [answer] = await once(client, 'message');
  expect(String(answer)).toBe('echo');
  client.terminate();
}

/** A client frame of the given first byte, masked with zeros; the length field may lie. */
function frame(firstByte: number, payload: Uint8Array, length: number = payload.length): Uint8Array {
  const header = Buffer.alloc(14);
  header[0] = firstByte;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

const BINARY = 0x82;
const CLOSE_1009 = Buffer.from([0x88, 2, 0x03, 0xf1]).toString('latin1');
const CLOSE_1002 = Buffer.from([0x88, 2, 0x03, 0xea]).toString('latin1');

describe('what is no WebSocket of ours', () => {
  it('answers plain HTTP with 404, or hands it on', async () => {
    expect(await answerTo('GET /x HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 404 /);
    await listener.close();
    await listen({ onRequest: (request, response) => response.end(`seen ${request.method} ${request.url}`) });
    const answer = await answerTo(
      'POST /v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*seen POST \/v1/);
  });

  it('answers a refusal with its status and words, and closes', async () => {
    const answer = await answerTo(UPGRADE.replace('/path', '/refused?token=1'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nConnection: close\r\n[\s\S]*not here\n$/);
    expect(accepted).toEqual([]);
  });

  it.each([
    ['a subprotocol it does not speak', UPGRADE.replace('test.v1', 'test.v2'), 400],
    ['no subprotocol', UPGRADE.replace(/Sec-WebSocket-Protocol: .*\r\n/, ''), 400],
    ['an old WebSocket version', UPGRADE.replace('Version: 13', 'Version: 7'), 400],
    ['a short key', UPGRADE.replace('AAAA==', '=='), 400],
    ['another upgrade', UPGRADE.replace('Upgrade: websocket', 'Upgrade: h2c'), 400],
    ['words that are no HTTP', 'HELO there\r\n\r\n', 400],
    ['a header without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
  ])('refuses %s', async (_what, bytes, status) => {
    expect(await answerTo(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(accepted).toEqual([]);
    await expectServed();
  });
});

describe('what breaks the rules after the handshake', () => {
  it('closes a text frame with 4000, and hears nothing of it or after it', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${listener.port}/`, 'test.v1');
    await once(client, 'open');
    client.send('words');
    client.send(Buffer.from('more'));
    const [code, reason] = await once(client, 'close');
    expect([code, String(reason)]).toEqual([4000, 'binary frames only']);
    await until(() => accepted[0]?.closes.length === 1);
    expect(accepted[0]!.messages).toBe(0);
    await expectServed();
  });

  it('closes invalid UTF-8 in a text frame the same way', async () => {
    const socket = await openSocket();
    let answer = '';
    socket.on('data', (part) => {
      answer += part.toString('latin1');
    });
    socket.write(Buffer.concat([Buffer.from(UPGRADE), frame(0x81, Buffer.from([0xff, 0xfe]))]));
    await until(() => answer.includes('binary frames only'));
  });

  it('refuses an oversized message by its header, before its bytes have come', async () => {
    const answer = await answerTo(
      Buffer.concat([Buffer.from(UPGRADE), frame(BINARY, Buffer.alloc(10), 2 ** 40)]),
    );
    expect(answer).toContain(CLOSE_1009);
    await until(() => accepted[0]!.closes.length === 1);
    expect(accepted[0]!.closes[0]).toMatchObject({ cause: 'closed' });
    await expectServed();
  });

  it('refuses a message that grows too large in fragments', async () => {
    const part = Buffer.alloc(60);
    const answer = await answerTo(
      Buffer.concat([Buffer.from(UPGRADE), frame(0x02, part), frame(0x80, part)]),
    );
    expect(answer).toContain(CLOSE_1009);
    expect(accepted[0]!.messages).toBe(0);
  });

  it.each([
    ['an unmasked frame', Buffer.from([0x82, 0x01, 0x00])],
    ['reserved bits', frame(0xf2, Buffer.alloc(1))],
    ['an unknown opcode', frame(0x83, Buffer.alloc(1))],
    ['a continuation of nothing', frame(0x80, Buffer.alloc(1))],
    ['a compressed frame', frame(0xc2, Buffer.alloc(1))],
  ])('closes %s, and only that connection', async (_what, bytes) => {
    const answer = await answerTo(Buffer.concat([Buffer.from(UPGRADE), bytes]));
    expect(answer).toContain(CLOSE_1002);
    await until(() => accepted[0]!.closes.length === 1);
    await expectServed();
  });

  it('bears a reset at any moment', async () => {
    for (const bytes of [
      '',
      'GET / HT',
      UPGRADE,
      Buffer.concat([Buffer.from(UPGRADE), frame(BINARY, Buffer.alloc(9), 50)]),
    ]) {
      const socket = await openSocket();
      socket.write(bytes);
      socket.resetAndDestroy();
    }
    await expectServed();
    await until(() => accepted.every((end) => end.closes.length === 1));
  });

  it('bears a reset between a request and its refusal', async () => {
    await listener.close();
    let resets = 0;
    await listen({
      decide: () => {
        sockets.at(-1)!.resetAndDestroy();
        resets++;
        return { refuse: 503, message: 'x'.repeat(100_000) };
      },
    });
    for (let round = 1; round <= 5; round++) {
      (await openSocket()).write(UPGRADE);
      await until(() => resets === round);
    }
    await listener.close();
    await listen();
    await expectServed();
  });

  it('does not heap up answers to pings that nobody reads', async () => {
    const socket = await openSocket();
    socket.write(UPGRADE);
    await until(() => accepted.length === 1);
    socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 2000 }, () => Buffer.from(frame(0x89, Buffer.alloc(0)))),
    );
    for (let round = 0; round < 100; round++)
      if (!socket.write(pings)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    expect(accepted[0]!.connection.bufferedBytes).toBeLessThan(1_000_000);
    await expectServed();
  });
});

describe('who says nothing', () => {
  /** Those who speak are to have done so by then, four hundred at once. */
  const HANDSHAKE_TIMEOUT_MS = 1000;

  beforeEach(async () => {
    await listener.close();
    transport = new WebSocketTransport({ handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS });
    await listen();
  });

  it.each([
    ['nothing at all', ''],
    ['half a request', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['a request without its body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'],
  ])('is cut having sent %s', async (_what, bytes) => {
    await listener.close();
    // Answers only when the body has come, as a server that reads it does.
    await listen({ onRequest: (request, response) => request.resume().on('end', () => response.end()) });
    const start = performance.now();
    await answerTo(bytes);
    expect(performance.now() - start).toBeGreaterThan(HANDSHAKE_TIMEOUT_MS / 2);
    await expectServed();
  });

  it('is cut however slowly it goes on', async () => {
    const socket = await openSocket();
    const letters = setInterval(() => socket.write('x'), 20);
    socket.write('GET / HTTP/1.1\r\nX: ');
    await ended(socket);
    clearInterval(letters);
  });

  it('does not stand in the way of others: 200 idle sockets, 200 idle WebSockets', async () => {
    const idle = await Promise.all(Array.from({ length: 400 }, openSocket));
    for (const socket of idle.slice(200)) socket.write(UPGRADE);
    await until(() => accepted.length === 200);
    await expectServed();
    await Promise.all(idle.slice(0, 200).map(ended));
    expect(idle.slice(200).every((socket) => !socket.destroyed)).toBe(true);
    expect(accepted.filter((end) => end.closes.length > 0).length).toBeLessThanOrEqual(1);
    await listener.close();
    await Promise.all(idle.map(ended));
    await until(() => accepted.every((end) => end.closes.length === 1));
  });

  it('shows in bufferedBytes when it does not read', async () => {
    const socket = await openSocket();
    socket.write(UPGRADE);
    await until(() => accepted.length === 1);
    socket.pause();
    const { connection } = accepted[0]!;
    const piece = new Uint8Array(1_000_000);
    for (let number = 0; number < 32; number++) connection.send(piece);
    expect(connection.bufferedBytes).toBeGreaterThan(8_000_000);
    connection.terminate();
    await until(() => accepted[0]!.closes.length === 1);
  });
});

describe('servers that a client may meet', () => {
  async function closeInfoFrom(answer: string | undefined, handshakeTimeoutMs = 2000): Promise<CloseInfo> {
    await listener.close();
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      if (answer !== undefined) socket.end(answer);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const info = await new Promise<CloseInfo>((resolve) => {
      transport.connect({
        url: `ws://127.0.0.1:${port}/`,
        subprotocol: 'test.v1',
        handshakeTimeoutMs,
        maxMessageBytes: 100,
        handlers: { onMessage: () => {}, onClose: resolve },
      });
    });
    server.close();
    return info;
  }

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', /./],
    ['a page', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage', /^HTTP 200: page$/],
    [
      'a redirection',
      'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
      /^HTTP 302: Found$/,
    ],
    [
      'a handshake with a wrong key',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      /Accept/,
    ],
    ['an end', '', /./],
  ])('refused after %s', async (_what, answer, reason) => {
    const info = await closeInfoFrom(answer);
    expect(info).toMatchObject({ cause: 'refused', code: 1006 });
    expect(info.reason).toMatch(reason);
  });

  it('refused after silence', async () => {
    expect(await closeInfoFrom(undefined, 100)).toEqual({
      cause: 'refused',
      code: 1006,
      reason: 'no handshake within 100 ms',
    });
  });

  it('reads only the first words of a page without end', async () => {
    const info = await closeInfoFrom(`HTTP/1.1 500 Oops\r\n\r\n${'x'.repeat(1_000_000)}`);
    expect(info.reason.length).toBeLessThan(1100);
  });
});
