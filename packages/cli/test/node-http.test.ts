import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callHttp, readEvents } from '../src/node-http.ts';

let server: Server;
let url: string;

/** Takes the whole request and then cuts the connection; of a path that begins an answer, in the middle of that. */
beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/begun') response.writeHead(200, { 'content-length': 100 }).write('{');
      setImmediate(() => request.socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  vi.useRealTimers();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

const TIMEOUT = { timeoutMs: 2000 } as const;

describe('a connection that ends before the answer', () => {
  it.each(['/lost', '/begun'])('leaves open whether an order was carried out: %s', async (path) => {
    await expect(callHttp(url, path, { method: 'POST', ...TIMEOUT })).rejects.toMatchObject({
      code: 'HOLDFAST_OUTCOME_UNKNOWN',
      outcome: 'unknown',
    });
  });

  it('is nobody in reach for a question', async () => {
    await expect(callHttp(url, '/lost', TIMEOUT)).rejects.toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
      outcome: 'not-applied',
    });
  });
});

it('an order to nobody was not carried out', async () => {
  await new Promise((resolve) => server.close(resolve));
  await expect(callHttp(url, '/', { method: 'POST', ...TIMEOUT })).rejects.toMatchObject({
    code: 'HOLDFAST_NO_PRIMARY',
    outcome: 'not-applied',
  });
});

it('a node whose events are followed is given up when it is silent, and not as long as it says that it is there', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const asked: ServerResponse[] = [];
  server.removeAllListeners('request');
  server.on('request', (_request, response) => asked.push(response.writeHead(200)));
  const seen: unknown[] = [];
  readEvents(url, {
    follow: true,
    onEvent: ({ kind }) => seen.push(kind),
    onEnd: (error) => seen.push(error),
  });
  await expect.poll(() => asked.length).toBe(1);
  for (const kind of ['election', 'start']) {
    vi.advanceTimersByTime(40_000);
    asked[0]?.write(`: still here\n\ndata: {"kind":"${kind}"}\n\n`);
    await expect.poll(() => seen.at(-1)).toBe(kind);
  }
  vi.advanceTimersByTime(40_000);
  expect(seen).toEqual(['election', 'start']);
  vi.advanceTimersByTime(5000);
  expect(seen[2]).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
});
