import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { DiskError, HoldfastError, type NodeId, type Revision } from '@holdfast/types';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventRing } from '../../src/events/event-ring.ts';
import { AccessPolicy } from '../../src/http/access-policy.ts';
import { buildHttp } from '../../src/http/build-http.ts';
import type { NodeStatus, NodeView } from '../../src/http/node-view.ts';
import { NodeMetrics } from '../../src/metrics/node-metrics.ts';
import { ManualClock } from '../events/manual-clock.ts';

const STATUS = {
  id: 'n1',
  url: 'ws://127.0.0.1:7101',
  role: 'primary',
  term: 3,
  primary: 'n1',
  commit: 5,
  applied: 5,
  durable: 6,
  sessions: 0,
  connections: 0,
  watches: { watches: 0, events: 0, lagEntries: 0 },
  queued: 0,
  shedding: { writes: 0, reads: 0 },
  lanes: {
    writes: { running: 0, waiting: 0, refused: 0 },
    reads: { running: 0, waiting: 0, refused: 0 },
    scans: { running: 0, waiting: 0, refused: 0 },
    watches: { running: 0, waiting: 0, refused: 0 },
  },
  boot: 'b'.repeat(32),
  ready: true,
  admitting: true,
  peers: [],
  acknowledged: { local: 0, quorum: 0, all: 0 },
  wal: { segments: 1, bytes: 1 },
  divergence: { filed: 0, pending: 0, damagedBytes: 0 },
} as unknown as NodeStatus;

const HOST = 'localhost:7101';
const DIVERGED = {
  id: 'd.9.3',
  undecided: false,
  mutations: [{ kind: 'put', key: Buffer.from('k'), value: new Uint8Array([255]) }],
};

class FakeNode implements NodeView {
  readonly clock = new ManualClock();
  readonly events = new EventRing({ clock: this.clock, subscribersMax: 1 });
  readonly metrics = new NodeMetrics({ node: 'n1' as NodeId, readings: () => this.status() });
  readonly targets: (NodeId | undefined)[] = [];
  statusNow: NodeStatus = STATUS;
  switchoverError: Error | undefined;
  readonly discarded: string[] = [];
  discardError: Error | undefined;
  readonly #policy = new AccessPolicy(
    {
      id: 'n1' as NodeId,
      listen: { host: '127.0.0.1', port: 7101 },
      peers: [],
      allowedOrigins: ['https://ok.example'],
      allowedHosts: ['h'],
    },
    7101,
  );
  readonly divergence = {
    list: () => [DIVERGED] as never,
    show: (id: string) => (id === DIVERGED.id ? DIVERGED : undefined) as never,
    discard: async (id: string) => {
      if (this.discardError !== undefined) throw this.discardError;
      this.discarded.push(id);
      return id === DIVERGED.id;
    },
  };

  status(): NodeStatus {
    return this.statusNow;
  }

  async digest(): Promise<never> {
    return { applied: { index: 4, term: 3 }, revision: 9, digest: 'ff', keys: 2 } as never;
  }

  results(calls: Parameters<NodeView['results']>[0]): ReturnType<NodeView['results']> {
    const results = calls.map(({ session, sequence }) =>
      session === '2.5.0' && sequence === 17 ? 'done' : 'unknownSession',
    );
    return { revision: 9 as Revision, results };
  }

  async switchover(target?: NodeId): Promise<void> {
    this.targets.push(target);
    if (this.switchoverError !== undefined) throw this.switchoverError;
  }

  isAllowed(asked: Parameters<AccessPolicy['isAllowed']>[0]): ReturnType<AccessPolicy['isAllowed']> {
    return this.#policy.isAllowed(asked);
  }
}

let node: FakeNode;
let app: FastifyInstance;
let faults: unknown[];

beforeEach(async () => {
  node = new FakeNode();
  faults = [];
  app = buildHttp(node, { onFault: (error) => faults.push(error) });
  await app.ready();
});

afterEach(() => app.close());

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask(
  method: 'GET' | 'POST',
  url: string,
  options: { headers?: Record<string, string>; payload?: string } = {},
): Promise<Answer> {
  const headers = { host: HOST, ...options.headers };
  const answer = await app.inject({
    method,
    url,
    headers,
    ...(options.payload === undefined ? {} : { payload: options.payload }),
  });
  return {
    status: answer.statusCode,
    body: answer.headers['content-type']?.toString().includes('json') ? answer.json() : answer.body,
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function refused(status: number, code: string): unknown {
  return { status, body: { error: { code, message: expect.any(String) } } };
}

describe('health', () => {
  test('by status alone', async () => {
    expect((await ask('GET', '/livez')).status).toBe(200);
    expect((await ask('GET', '/readyz')).status).toBe(200);
    expect((await ask('GET', '/primary')).status).toBe(200);
    expect((await ask('GET', '/standby')).status).toBe(503);
    node.statusNow = { ...STATUS, role: 'standby' };
    expect((await ask('GET', '/primary')).status).toBe(503);
    expect((await ask('GET', '/standby')).status).toBe(200);
  });

  test('a primary that admits no writes is none; a standby that is not ready neither; alive is alive', async () => {
    node.statusNow = { ...STATUS, admitting: false, ready: false, notReadyReason: 'no majority' };
    expect((await ask('GET', '/primary')).status).toBe(503);
    expect(await ask('GET', '/readyz')).toStrictEqual({
      status: 503,
      body: { ready: false, reason: 'no majority' },
    });
    expect((await ask('GET', '/livez')).status).toBe(200);
    node.statusNow = { ...STATUS, role: 'standby', ready: false };
    expect((await ask('GET', '/standby')).status).toBe(503);
  });
});

describe('readings', () => {
  test('one digest at a time, the next when that has ended or failed', async () => {
    const held = Promise.withResolvers<never>();
    node.digest = () => held.promise;
    const first = ask('GET', '/v1/digest');
    expect(await ask('GET', '/v1/digest')).toStrictEqual(refused(503, 'HOLDFAST_OVERLOADED'));
    held.reject(new HoldfastError('HOLDFAST_DISK_FULL', 'full'));
    expect(await first).toStrictEqual(refused(503, 'HOLDFAST_DISK_FULL'));
    node.digest = async () => ({ keys: 3 }) as never;
    expect(await ask('GET', '/v1/digest')).toMatchObject({ status: 200, body: { keys: 3 } });
  });

  test('a digest whose store was replaced, or opened again, is to be asked for again', async () => {
    node.digest = () => Promise.reject(new HoldfastError('HOLDFAST_SNAPSHOT_LOST', 'the store was closed'));
    expect(await ask('GET', '/v1/digest')).toStrictEqual(refused(503, 'HOLDFAST_SNAPSHOT_LOST'));
  });

  test('status, digest and metrics', async () => {
    expect((await ask('GET', '/v1/status')).body).toStrictEqual(STATUS);
    expect((await ask('GET', '/v1/digest')).body).toMatchObject({ digest: 'ff', keys: 2 });
    expect((await ask('GET', '/metrics')).body).toContain('holdfast_term{node="n1"} 3');
  });

  test('divergence, byte strings as base64', async () => {
    expect((await ask('GET', '/v1/divergence')).body).toMatchObject({ diverged: [{ id: DIVERGED.id }] });
    expect((await ask('GET', `/v1/divergence/${DIVERGED.id}`)).body).toStrictEqual({
      id: DIVERGED.id,
      undecided: false,
      mutations: [{ kind: 'put', key: 'aw==', value: '/w==' }],
    });
    expect(await ask('GET', '/v1/divergence/other')).toStrictEqual(
      refused(404, 'HOLDFAST_DIVERGENCE_NOT_FOUND'),
    );
  });

  test('what the sessions say of calls', async () => {
    expect((await ask('GET', '/v1/results?of=2.5.0/17,3.1.0/1')).body).toStrictEqual({
      revision: 9,
      results: ['done', 'unknownSession'],
    });
    for (const query of [
      '',
      '?of=',
      '?of=2.5.0',
      '?of=2.5.0/17,',
      '?of=2.5.0/1&of=2.5.0/2',
      '?of=x/99999999999999999',
    ])
      expect(await ask('GET', `/v1/results${query}`)).toStrictEqual(
        refused(400, 'HOLDFAST_INVALID_ARGUMENT'),
      );
  });

  test('an unknown route is an error like any other', async () => {
    expect(await ask('GET', '/v2/status')).toStrictEqual(refused(404, 'HOLDFAST_INVALID_ARGUMENT'));
    expect(await ask('POST', '/v1/status', { headers: JSON_TYPE, payload: '{}' })).toStrictEqual(
      refused(404, 'HOLDFAST_INVALID_ARGUMENT'),
    );
  });

  test('a fault is answered, and reported to the node', async () => {
    const fault = new TypeError('oops');
    node.digest = () => Promise.reject(fault);
    expect(await ask('GET', '/v1/digest')).toStrictEqual(refused(500, 'HOLDFAST_OUTCOME_UNKNOWN'));
    expect(faults).toStrictEqual([fault]);
  });
});

describe('orders', () => {
  test('switchover, with and without a target', async () => {
    expect(
      await ask('POST', '/v1/switchover', { headers: JSON_TYPE, payload: '{"target":"n2"}' }),
    ).toStrictEqual({ status: 200, body: { primary: 'n1', term: 3 } });
    expect((await ask('POST', '/v1/switchover', { headers: JSON_TYPE, payload: '{}' })).status).toBe(200);
    expect(node.targets).toStrictEqual(['n2', undefined]);
  });

  test('a switchover that failed says why', async () => {
    node.switchoverError = new HoldfastError('HOLDFAST_SWITCHOVER_FAILED', 'n2 is behind');
    expect(await ask('POST', '/v1/switchover', { headers: JSON_TYPE, payload: '{}' })).toStrictEqual({
      status: 409,
      body: { error: { code: 'HOLDFAST_SWITCHOVER_FAILED', message: 'n2 is behind' } },
    });
    node.switchoverError = new HoldfastError('HOLDFAST_NOT_PRIMARY', 'ask n3');
    expect((await ask('POST', '/v1/switchover', { headers: JSON_TYPE, payload: '{}' })).status).toBe(503);
  });

  test.each(['[]', '{"target":5}', '{"target":"n 2"}', '{"target":"n2","force":true}', '"n2"', '{', ''])(
    'a body %j is refused',
    async (payload) => {
      expect(await ask('POST', '/v1/switchover', { headers: JSON_TYPE, payload })).toStrictEqual(
        refused(400, 'HOLDFAST_INVALID_ARGUMENT'),
      );
      expect(node.targets).toStrictEqual([]);
    },
  );

  test('a body too long is refused', async () => {
    const payload = JSON.stringify({ target: 'n'.repeat(20_000) });
    expect(await ask('POST', '/v1/switchover', { headers: JSON_TYPE, payload })).toStrictEqual(
      refused(413, 'HOLDFAST_REQUEST_TOO_LARGE'),
    );
  });

  test.each([
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/plain; a=application/json',
  ])('content-type %j is refused, as a web form would send it', async (type) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    for (const payload of [undefined, '{}']) {
      const sent = payload === undefined ? { headers } : { headers, payload };
      expect(await ask('POST', '/v1/switchover', sent)).toStrictEqual(
        refused(415, 'HOLDFAST_INVALID_ARGUMENT'),
      );
    }
    expect(node.targets).toStrictEqual([]);
  });

  test('discard', async () => {
    expect(
      await ask('POST', `/v1/divergence/${DIVERGED.id}/discard`, { headers: JSON_TYPE, payload: '{}' }),
    ).toStrictEqual({ status: 200, body: { discarded: DIVERGED.id } });
    expect(
      await ask('POST', '/v1/divergence/other/discard', { headers: JSON_TYPE, payload: '{}' }),
    ).toStrictEqual(refused(404, 'HOLDFAST_DIVERGENCE_NOT_FOUND'));
    expect(node.discarded).toStrictEqual([DIVERGED.id, 'other']);
  });

  test('discard without room on the disk', async () => {
    node.discardError = new DiskError('ENOSPC', '/data/divergence.log', 'no space left');
    expect(
      await ask('POST', `/v1/divergence/${DIVERGED.id}/discard`, { headers: JSON_TYPE, payload: '{}' }),
    ).toStrictEqual(refused(503, 'HOLDFAST_DISK_FULL'));
  });
});

describe('web pages', () => {
  test.each(['/livez', '/v1/status', '/metrics', '/v1/events?follow=false', '/nowhere'])(
    'of another site get nothing from %s',
    async (url) => {
      const strangers: Record<string, string>[] = [
        { origin: 'https://evil.example' },
        { host: 'evil.example:7101' },
        { origin: 'null' },
      ];
      for (const headers of strangers) {
        expect(await ask('GET', url, { headers })).toStrictEqual(refused(403, 'HOLDFAST_ORIGIN_REFUSED'));
      }
    },
  );

  test('give no orders', async () => {
    const headers = { ...JSON_TYPE, origin: 'https://evil.example' };
    expect((await ask('POST', '/v1/switchover', { headers, payload: '{}' })).status).toBe(403);
    expect(node.targets).toStrictEqual([]);
  });

  test('that are allowed are served', async () => {
    expect((await ask('GET', '/v1/status', { headers: { origin: 'https://ok.example' } })).status).toBe(200);
    expect((await ask('GET', '/v1/status', { headers: { host: 'h:99' } })).status).toBe(200);
  });
});

describe('events over a socket', () => {
  let server: Server;

  beforeEach(async () => {
    server = createServer((incoming, response) => app.routing(incoming, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  });

  /** Reads until `until` has been seen, then hangs up. */
  function read(
    path: string,
    headers: Record<string, string>,
    until: string,
    onOpen?: () => void,
  ): Promise<{ status: number; text: string }> {
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path, headers: { host: HOST, ...headers } },
        (response) => {
          let text = '';
          const finish = (): void => {
            resolve({ status: response.statusCode ?? 0, text });
            asked.destroy();
          };
          onOpen?.();
          response.on('data', (chunk) => {
            text += chunk;
            if (text.includes(until)) finish();
          });
          response.on('end', finish);
        },
      );
      asked.on('error', reject);
      asked.end();
    });
  }

  test('backlog after the id named, then what happens', async () => {
    node.events.record({ kind: 'one' });
    node.events.record({ kind: 'two' });
    const headers = { 'last-event-id': `${STATUS.boot}:1` };
    const { status, text } = await read('/v1/events', headers, '"three"', () =>
      node.events.record({ kind: 'three' }),
    );
    expect(status).toBe(200);
    expect([...text.matchAll(/"kind":"(\w+)"/g)].map((match) => match[1])).toStrictEqual(['two', 'three']);
  });

  test('what a query asks for, without following', async () => {
    for (const kind of ['one', 'two', 'three']) node.events.record({ kind });
    const { text } = await read('/v1/events?after=2&follow=false', {}, '\0');
    expect([...text.matchAll(/"kind":"(\w+)"/g)].map((match) => match[1])).toStrictEqual(['three']);
  });

  test('a reader that hangs up makes room for another', async () => {
    await read('/v1/events', {}, 'holdfast');
    await expect.poll(() => node.events.subscribers).toBe(0);
    expect(node.clock.pendingTimers).toBe(0);
    await read('/v1/events', {}, 'holdfast');
  });

  test('a reader that hangs up before its answer could begin makes room too', async () => {
    let answer: ((digest: never) => void) | undefined;
    node.digest = () =>
      new Promise<never>((resolve) => {
        answer = resolve;
      });
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`;
    socket.write(ask('/v1/digest') + ask('/v1/events'));
    await expect.poll(() => node.events.subscribers).toBe(1);
    socket.destroy();
    await expect.poll(() => node.events.subscribers).toBe(0);
    expect(node.clock.pendingTimers).toBe(0);
    answer?.({} as never);
  });

  test('one reader too many is told so', async () => {
    node.events.subscribe(() => {});
    const { status, text } = await read('/v1/events', {}, '\0');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'HOLDFAST_OVERLOADED' } });
  });
});
