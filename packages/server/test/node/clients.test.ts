import { WebSocketTransport } from '@holdfast/io';
import {
  CLIENT_SUBPROTOCOL,
  type ClientMessage,
  type CloseInfo,
  type Connection,
  type KeyRange,
  LIMITS,
  PROTOCOL_VERSION,
  type Revision,
  type SessionId,
  type WriteReceipt,
} from '@holdfast/types';
import { encodeClientMessages } from '@holdfast/wire';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { NodeConfig } from '../../src/config/node-config.ts';
import { CLOSE_CODES } from '../../src/links/close-codes.ts';
import type { Node } from '../../src/node.ts';
import { RawSocket } from './support/raw-socket.ts';
import { bytes, put, TestClient, text } from './support/test-client.ts';
import { TestCluster } from './support/test-cluster.ts';
import { waitFor } from './support/wait-for.ts';

let cluster: TestCluster;
let node: Node;
let url: string;

/** A cluster of one node, and that. */
async function alone(changes: Partial<NodeConfig['limits']>): Promise<{ made: TestCluster; primary: Node }> {
  const made = await TestCluster.make(1);
  const id = made.ids[0]!;
  const { limits } = made.configOf(id);
  await made.start(id, { limits: { ...limits, ...changes } });
  return { made, primary: await made.primary() };
}

beforeAll(async () => {
  const { made, primary } = await alone({
    handshakeTimeoutMs: 2000,
    clientConnectionsMax: 20,
    scansPerConnectionMax: 3,
    clientBufferedBytesMax: 8_000_000,
  });
  cluster = made;
  node = primary;
  url = cluster.url(cluster.ids[0]!);
});

afterAll(async () => {
  await cluster.close();
});

const LOST = { code: 'HOLDFAST_SNAPSHOT_LOST', outcome: 'not-applied' };
const ALL: KeyRange = { reverse: false, limit: -1, keys: true, values: true };

function scanOpen(
  id: number,
  range: Partial<KeyRange>,
  pageSize = 2,
): Extract<ClientMessage, { kind: 'scanOpen' }> {
  return {
    kind: 'scanOpen',
    id,
    consistency: 'linearizable',
    remainingMs: 1000,
    token: 0 as Revision,
    range: { ...ALL, ...range },
    pageSize,
  };
}

/** Opens a bare connection; resolves when it is open, and tells how it ended. */
async function bare(
  options: { subprotocol?: string } = {},
): Promise<{ connection: Connection; closed: () => CloseInfo | undefined }> {
  let closed: CloseInfo | undefined;
  const connection = await new Promise<Connection>((resolve) => {
    const dialled: Connection = new WebSocketTransport().connect({
      url: `${url}/client`,
      subprotocol: options.subprotocol ?? CLIENT_SUBPROTOCOL,
      handshakeTimeoutMs: 1000,
      maxMessageBytes: 1_000_000,
      handlers: {
        onOpen: () => resolve(dialled),
        onMessage: () => {},
        onClose: (info) => {
          closed = info;
          resolve(dialled);
        },
      },
    });
  });
  return { connection, closed: () => closed };
}

describe('reads and writes', () => {
  test('many requests of one frame are answered, each by its id', async () => {
    const client = await TestClient.connect(url);
    await client.openSession();
    const receipts = await Promise.all(Array.from({ length: 200 }, (_, n) => client.put(`many${n}`, `${n}`)));
    const revisions = new Set(
      receipts.map(({ result }) => (result.kind === 'written' ? result.revision : 0)),
    );
    expect(revisions.size).toBe(200);
    const values = await Promise.all(Array.from({ length: 200 }, (_, n) => client.get(`many${n}`)));
    expect(values).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
    client.close();
  });

  test('the sessions tell what became of a call, until its client has the answer', async () => {
    const client = await TestClient.connect(url);
    const session = await client.openSession();
    const asked = `${session}/1,${session}/2,9.9.9/1`;
    const results = async (): Promise<{ revision: number; results: string[] }> => {
      const response = await fetch(`http://127.0.0.1:${node.port}/v1/results?of=${asked}`);
      return (await response.json()) as never;
    };
    const { result } = await client.put('zz known', 'once');
    expect((await results()).results).toEqual(['done', 'fresh', 'unknownSession']);
    const { revision } = result as { revision: number };
    await waitFor('it to be in the store', async () => (await results()).revision === revision);
    await client.put('zz known', 'twice');
    expect((await results()).results).toEqual(['closed', 'done', 'unknownSession']);
    client.close();
  });

  test('a missing key, several keys, and every consistency', async () => {
    const client = await TestClient.connect(url);
    await client.put('present', 'yes');
    for (const consistency of ['linearizable', 'session', 'eventual'] as const) {
      const { items, revision } = await client.read(['absent', 'present', 'absent'], { consistency });
      expect(items.map((item) => text(item?.value))).toEqual([undefined, 'yes', undefined]);
      expect(revision).toBeGreaterThan(0);
    }
    client.close();
  });

  test('what is too large is refused by itself; its neighbours are not', async () => {
    const client = await TestClient.connect(url);
    const long = 'k'.repeat(LIMITS.keyBytesMax + 1);
    await client.openSession();
    const [tooLong, tooBig, fine] = await Promise.allSettled([
      client.put(long, 'v'),
      client.write([{ kind: 'put', key: bytes('k'), value: new Uint8Array(LIMITS.valueBytesMax + 1) }]),
      client.put('k', 'v'),
    ]);
    expect(tooLong).toMatchObject({ reason: { code: 'HOLDFAST_KEY_TOO_LARGE', outcome: 'not-applied' } });
    expect(tooBig).toMatchObject({ reason: { code: 'HOLDFAST_VALUE_TOO_LARGE' } });
    expect(fine).toMatchObject({ status: 'fulfilled' });
    await expect(client.read([long])).rejects.toMatchObject({ code: 'HOLDFAST_KEY_TOO_LARGE' });
    client.close();
  });

  test('an answer that no frame could carry is refused; so are more long ones than the buffer holds', async () => {
    const client = await TestClient.connect(url);
    const value = 'v'.repeat(3_000_000);
    await client.put('big', value);
    await expect(client.read(['big', 'big', 'big'])).rejects.toMatchObject({
      code: 'HOLDFAST_REQUEST_TOO_LARGE',
    });
    // The first ones fill the buffer; the rest are asked to come back rather than piled up.
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => client.get('big')));
    const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'read' : outcome.reason.code));
    expect(codes.slice(0, 2)).toEqual(['read', 'read']);
    expect(new Set(codes.slice(2))).toEqual(new Set(['HOLDFAST_OVERLOADED']));
    expect(await client.get('big')).toBe(value);
    client.close();
  });

  test('long results of transactions leave in frames of bounded length, however often they are asked for', async () => {
    const client = await TestClient.connect(url, {}, 5_000_000);
    await client.put('long', 'v'.repeat(250_000));
    const session = await client.openSession();
    const get = { kind: 'get', key: bytes('long') } as const;
    const request = { sequence: 1, ack: 'quorum', remainingMs: 5000, conditions: [] } as const;
    // One transaction and its repeats: 7.5 MB of answers to one frame.
    const answers = Array.from({ length: 30 }, () =>
      client.call((id) => ({
        kind: 'write',
        session,
        floor: 0,
        requests: [{ ...request, id, operations: [get], otherwise: [] }],
      })),
    );
    const receipts = (await Promise.all(answers)) as unknown as WriteReceipt[];
    expect(receipts.filter(({ repeated }) => !repeated)).toHaveLength(1);
    for (const { result } of receipts)
      expect(result).toMatchObject({ kind: 'transaction', steps: [{ kind: 'found' }] });
    client.close();
  });

  test('a write of an unknown session is refused', async () => {
    const client = await TestClient.connect(url);
    const call = client.call((id) => ({
      kind: 'write',
      session: '1.999999.0' as SessionId,
      floor: 0,
      requests: [
        { id, sequence: 1, ack: 'quorum', remainingMs: 1000, conditions: [], operations: [put('a', 'b')] },
      ],
    }));
    await expect(call).rejects.toMatchObject({ code: 'HOLDFAST_SESSION_EXPIRED' });
    client.close();
  });

  test('ping is answered', async () => {
    const client = await TestClient.connect(url);
    expect(await client.call<'pong'>((id) => ({ kind: 'ping', id }))).toMatchObject({ kind: 'pong' });
    client.close();
  });
});

describe('scans', () => {
  test('pages of one snapshot, unmoved by later writes', async () => {
    const client = await TestClient.connect(url);
    for (const key of ['s1', 's2', 's3', 's4', 's5']) await client.put(key, key.toUpperCase());
    const range = { gte: bytes('s'), lt: bytes('t') };
    let scan = 0;
    const first = await client.call<'scanPage'>((id) => {
      scan = id;
      return scanOpen(id, range);
    });
    await client.put('s6', 'late');
    const second = await client.call<'scanPage'>((id) => ({
      kind: 'scanNext',
      remainingMs: 5000,
      id,
      scan,
      pageSize: 10,
    }));
    const records = [...first.records, ...second.records].map(text);
    expect(records).toEqual(['s1', 'S1', 's2', 'S2', 's3', 'S3', 's4', 'S4', 's5', 'S5']);
    expect([first.done, second.done]).toEqual([false, true]);
    const sought = await client.call<'scanPage'>((id) => ({
      kind: 'scanNext',
      remainingMs: 5000,
      id,
      scan,
      pageSize: 1,
      seek: bytes('s4'),
    }));
    expect(sought.records.map(text)).toEqual(['s4', 'S4']);
    client.close();
  });

  test('one that was never opened, or was closed, is lost', async () => {
    const client = await TestClient.connect(url);
    await client.put('s1', 'x');
    const next = (scan: number): Promise<unknown> =>
      client.call((id) => ({ kind: 'scanNext', remainingMs: 5000, id, scan, pageSize: 1 }));
    await expect(next(77)).rejects.toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    let scan = 0;
    const open = (): Promise<unknown> =>
      client.call((id) => {
        scan = id;
        return scanOpen(id, {}, 1);
      });
    await open();
    client.send([{ kind: 'scanClose', scan }]);
    await expect(next(scan)).rejects.toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    client.close();
  });

  test('there is a bound on them, which finished ones give way to', async () => {
    const client = await TestClient.connect(url);
    await client.put('s1', 'x');
    await client.put('s2', 'x');
    const open = (pageSize: number): Promise<unknown> =>
      client.call((id) => scanOpen(id, { gte: bytes('s') }, pageSize));
    await open(1000);
    await open(1);
    await open(1);
    await open(1);
    await expect(open(1)).rejects.toMatchObject({ code: 'HOLDFAST_OVERLOADED' });
    client.close();
  });
});

const STATE = { consistency: 'linearizable', remainingMs: 1000, token: 0 as Revision } as const;

async function taken(client: TestClient): Promise<number> {
  let snapshot = 0;
  await client.call<'snapshotOpened'>((id) => {
    snapshot = id;
    return { kind: 'snapshotOpen', id, ...STATE };
  });
  return snapshot;
}

describe('snapshots', () => {
  test('say how old their state is when it is read', async () => {
    const client = await TestClient.connect(url);
    const snapshot = await taken(client);
    const { stalenessMs } = await client.readFrom(snapshot, ['t1']);
    expect(stalenessMs).toBeGreaterThanOrEqual(0);
    await waitFor(
      'the state to be older',
      async () => (await client.readFrom(snapshot, ['t1'])).stalenessMs > stalenessMs + 20,
    );
    const page = await client.call<'scanPage'>((id) => ({ ...scanOpen(id, { gte: bytes('t') }), snapshot }));
    expect(page.stalenessMs).toBeGreaterThan(stalenessMs + 20);
    client.close();
  });

  test('show one state to reads and scans, unmoved by later writes', async () => {
    const client = await TestClient.connect(url);
    await client.put('t1', 'old');
    const snapshot = await taken(client);
    await client.put('t1', 'new');
    await client.put('t2', 'new');
    expect(await client.getFrom(snapshot, ['t1', 't2'])).toEqual(['old', undefined]);
    let scan = 0;
    const page = await client.call<'scanPage'>((id) => {
      scan = id;
      return { ...scanOpen(id, { gte: bytes('t'), lt: bytes('u') }), snapshot };
    });
    expect(page.records.map(text)).toEqual(['t1', 'old']);
    expect(await client.get('t1')).toBe('new');
    // A scan goes on when its snapshot is closed.
    client.send([{ kind: 'snapshotClose', snapshot }]);
    const again = await client.call<'scanPage'>((id) => ({
      kind: 'scanNext',
      remainingMs: 5000,
      id,
      scan,
      pageSize: 5,
      seek: bytes('t'),
    }));
    expect(again.records.map(text)).toEqual(['t1', 'old']);
    await expect(client.getFrom(snapshot, ['t1'])).rejects.toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    client.close();
  });

  test('one that was never taken is lost', async () => {
    const client = await TestClient.connect(url);
    await expect(client.getFrom(77, ['a'])).rejects.toMatchObject(LOST);
    await expect(client.call((id) => ({ ...scanOpen(id, {}), snapshot: 77 }))).rejects.toMatchObject(LOST);
    client.close();
  });

  test('there is a bound on them, and on what one read asks for', async () => {
    const client = await TestClient.connect(url);
    const [first] = await Promise.all([taken(client), taken(client), taken(client)]);
    await expect(taken(client)).rejects.toMatchObject({ code: 'HOLDFAST_OVERLOADED' });
    const long = 'k'.repeat(LIMITS.keyBytesMax + 1);
    await expect(client.getFrom(first, [long])).rejects.toMatchObject({ code: 'HOLDFAST_KEY_TOO_LARGE' });
    client.send([{ kind: 'snapshotClose', snapshot: first }]);
    await taken(client);
    client.close();
  });
});

test('an answer that is longer than all that may wait for a client is told', async () => {
  const { made } = await alone({ clientBufferedBytesMax: 65_536 });
  const client = await TestClient.connect(made.url(made.ids[0]!));
  await client.put('large', 'x'.repeat(4_000_000));
  for (let round = 0; round < 3; round += 1) expect(await client.get('large')).toHaveLength(4_000_000);
  client.close();
  await made.close();
});

test('scans and snapshots that are idle for too long are lost', async () => {
  const { made } = await alone({ scanIdleMs: 200 });
  onTestFinished(() => made.close());
  const client = await TestClient.connect(made.url(made.ids[0]!));
  await client.put('s1', 'x');
  let scan = 0;
  await client.call((id) => {
    scan = id;
    return scanOpen(id, {}, 1);
  });
  const snapshot = await taken(client);
  const since = performance.now();
  await waitFor('them to be idle', () => performance.now() - since > 400);
  const next = client.call((id) => ({ kind: 'scanNext', remainingMs: 5000, id, scan, pageSize: 1 }));
  await expect(next).rejects.toMatchObject(LOST);
  await expect(client.getFrom(snapshot, ['s1'])).rejects.toMatchObject(LOST);
  client.close();
});

describe('bad clients', () => {
  test.each([
    ['another protocol', { protocol: 1 }, 'HOLDFAST_VERSION_MISMATCH'],
    ['another cluster', { cluster: 'f'.repeat(32) as never }, 'HOLDFAST_WRONG_CLUSTER'],
    ['an unknown database', { database: 'other' }, 'HOLDFAST_UNKNOWN_DATABASE'],
  ])('%s is refused with a code', async (_what, hello, code) => {
    await expect(TestClient.connect(url, hello)).rejects.toMatchObject({ code });
  });

  test('garbage, a request before hello and a second hello each close their connection, and no other', async () => {
    const good = await TestClient.connect(url);
    const garbage = await bare();
    garbage.connection.send(new Uint8Array([1, 2, 3]));
    const early = await bare();
    early.connection.send(encodeClientMessages([{ kind: 'ping', id: 1 }]));
    const twice = await TestClient.connect(url);
    twice.send([{ kind: 'hello', protocol: PROTOCOL_VERSION, database: 'default', name: 'again' }]);
    for (const closed of [garbage.closed, early.closed, () => twice.closed]) {
      expect((await waitFor('the close', closed)).code).toBe(CLOSE_CODES.invalidMessage);
    }
    expect(await good.put('still', 'here')).toMatchObject({ copies: 1 });
    good.close();
  });

  test('a repeated id cannot be answered: the connection is closed', async () => {
    const client = await TestClient.connect(url);
    const session = await client.openSession();
    const request = {
      id: 1000,
      ack: 'quorum' as const,
      remainingMs: 1000,
      conditions: [],
      operations: [put('a', 'b')],
    };
    client.send([
      {
        kind: 'write',
        session,
        floor: 0,
        requests: [
          { ...request, sequence: 1 },
          { ...request, sequence: 2 },
        ],
      },
    ]);
    expect((await waitFor('the close', () => client.closed)).code).toBe(CLOSE_CODES.invalidMessage);
  });

  test('the wrong subprotocol is refused before there is a connection', async () => {
    const { closed } = await bare({ subprotocol: 'holdfast.client.v9' });
    expect(closed()).toMatchObject({
      cause: 'refused',
      reason: expect.stringContaining('HOLDFAST_VERSION_MISMATCH'),
    });
  });

  test('who says no hello is cut; more than the allowed number are refused, the others served', async () => {
    const good = await TestClient.connect(url);
    const idle = await Promise.all(Array.from({ length: 25 }, () => bare()));
    const refused = idle.filter(({ closed }) => closed()?.reason.includes('HOLDFAST_OVERLOADED'));
    expect(refused.length).toBeGreaterThan(0);
    expect(await good.put('served', 'yes')).toMatchObject({ copies: 1 });
    await waitFor('all idle ones to be cut', () => idle.every(({ closed }) => closed() !== undefined));
    const cut = idle.filter(({ closed }) => closed()?.code === CLOSE_CODES.handshakeTimeout);
    expect(cut.length).toBe(idle.length - refused.length);
    good.close();
    await waitFor('nothing to be left of them', () => node.status().connections === 0);
  });

  test('a client that asks and does not read is cut', async () => {
    const client = await TestClient.connect(url);
    await client.put('large', 'v'.repeat(2_000_000));
    const { raw } = await RawSocket.upgrade(node.port, '/client', {
      'sec-websocket-protocol': CLIENT_SUBPROTOCOL,
    });
    raw.socket.pause();
    raw.send(
      encodeClientMessages([
        { kind: 'hello', protocol: PROTOCOL_VERSION, database: 'default', name: 'greedy' },
      ]),
    );
    for (const scan of [1, 2, 3]) {
      raw.send(
        encodeClientMessages([{ ...scanOpen(scan, { gte: bytes('large') }, 1), consistency: 'eventual' }]),
      );
      for (const id of [10, 20, 30]) {
        raw.send(
          encodeClientMessages([
            { kind: 'scanNext', remainingMs: 5000, id: id + scan, scan, pageSize: 1, seek: bytes('large') },
          ]),
        );
      }
    }
    await waitFor('the node to have let go of it', () => node.status().connections === 1);
    expect(await client.get('still')).toBe('here');
    client.close();
    raw.socket.destroy();
  });

  test.each([
    ['an Origin of elsewhere', { origin: 'https://evil.example' }, 403],
    ['a Host that was rebound', { host: 'evil.example:80' }, 403],
    ['no subprotocol', {}, 400],
  ])('%s is refused', async (_what, headers, status) => {
    const { raw, answer } = await RawSocket.upgrade(node.port, '/client', headers);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    raw.socket.destroy();
  });
});
