import type { Connection } from '@holdfast/types';
import { beforeEach, describe, expect, it } from 'vitest';
import { SimClock, SimNetwork, SimRandom } from '../src/index.ts';
import { SimProcess } from '../src/process/sim-process.ts';

const LATENCY_MS = 10;
const NO_HANDLERS: Connection['handlers'] = { onMessage: () => {}, onClose: () => {} };

let clock: SimClock;
let network: SimNetwork;
let servers: Connection[];
let events: string[];

beforeEach(async () => {
  clock = new SimClock();
  network = new SimNetwork({ clock, latencyMs: LATENCY_MS });
  servers = [];
  events = [];
  await network.transport('b').listen({
    host: 'b',
    port: 7101,
    decide: () => ({ accept: 'test.v1', maxMessageBytes: 100_000 }),
    onConnection: (connection) => {
      const name = servers.push(connection);
      connection.handlers = {
        onMessage: (bytes) => events.push(`${clock.now()} ${name} got ${bytes.length}`),
        onClose: ({ code }) => events.push(`${clock.now()} ${name} closed ${code}`),
      };
    },
  });
});

async function opened(): Promise<{ client: Connection; server: Connection }> {
  const client = network.transport('a').connect({
    url: 'ws://b:7101/',
    subprotocol: 'test.v1',
    handshakeTimeoutMs: 100,
    maxMessageBytes: 100_000,
    handlers: NO_HANDLERS,
  });
  await clock.advance(2 * LATENCY_MS);
  return { client, server: servers.at(-1)! };
}

describe('A slow link', () => {
  it('lets what is long come in bit by bit, and all that is sent over it wait for its turn', async () => {
    const [{ client: one, server }, { client: other }] = [await opened(), await opened()];
    network.slow('a', 'b', 1000);
    one.send(new Uint8Array(500));
    other.send(new Uint8Array(100));
    expect([one.bufferedBytes, other.bufferedBytes]).toEqual([0, 100]);
    const seen: number[] = [];
    for (let at = 0; at < 6; at += 1) {
      await clock.advance(at === 0 ? LATENCY_MS : 100);
      seen.push(server.receivedBytes);
    }
    expect(seen).toEqual([0, 100, 200, 300, 400, 500]);
    await clock.advance(100);
    expect(events).toEqual(['550 1 got 500', '650 2 got 100']);
    expect(other.bufferedBytes).toBe(0);
  });

  it('is slow one way only, and until it is over: what waits goes on at once', async () => {
    const { client, server } = await opened();
    const mend = network.slow('a', 'b', 1000);
    client.send(new Uint8Array(500));
    client.send(new Uint8Array(5000));
    let heard = 0;
    client.handlers = { ...NO_HANDLERS, onMessage: () => (heard = clock.now()) };
    server.send(new Uint8Array(5000));
    await clock.advance(260);
    expect(heard).toBe(30);
    expect(server.receivedBytes).toBe(250);
    mend();
    await clock.advance(LATENCY_MS);
    expect(events).toEqual(['290 1 got 500', '290 1 got 5000']);
  });

  it('keeps what has come in while it is cut, and sends the rest when it heals', async () => {
    const { client, server } = await opened();
    network.slow('a', 'b', 1000);
    client.send(new Uint8Array(500));
    await clock.advance(LATENCY_MS + 200);
    network.cut('a', 'b');
    await clock.advance(5000);
    expect(server.receivedBytes).toBe(200);
    expect(client.bufferedBytes).toBe(300);
    network.heal('a', 'b');
    await clock.advance(LATENCY_MS + 299);
    expect(events).toEqual([]);
    await clock.advance(1);
    expect(events).toEqual([`${clock.now()} 1 got 500`]);
  });

  it('has the pace that it was given last, whichever ends first', async () => {
    const { client } = await opened();
    const ends = [1000, 500].map((pace) => network.slow('a', 'b', pace));
    ends[0]!();
    client.send(new Uint8Array(500));
    await clock.advance(LATENCY_MS + 1000);
    expect(events).toEqual(['1030 1 got 500']);
    ends[1]!();
    client.send(new Uint8Array(500));
    await clock.advance(LATENCY_MS);
    expect(events).toHaveLength(2);
  });

  it('carries nothing more of what waited when its connection is ended', async () => {
    const [{ client: one }, { client: other }] = [await opened(), await opened()];
    network.slow('a', 'b', 1000);
    one.send(new Uint8Array(100));
    one.send(new Uint8Array(50_000));
    other.send(new Uint8Array(100));
    await clock.advance(50);
    one.terminate();
    await clock.advance(500);
    expect(events.map((event) => event.split(' ').slice(1).join(' '))).toEqual([
      '1 got 100',
      '2 got 100',
      '1 closed 1006',
    ]);
  });

  it('shows a process no less than it has seen, and nothing of what waits while it is frozen', async () => {
    const process = new SimProcess({
      clock,
      network,
      random: new SimRandom(1),
      host: 'c',
      clockRate: 1,
      wallOffsetMs: () => 0,
    });
    const connection = process.transport.connect({
      url: 'ws://b:7101/',
      subprotocol: 'test.v1',
      handshakeTimeoutMs: 100,
      maxMessageBytes: 100_000,
      handlers: NO_HANDLERS,
    });
    await clock.advance(2 * LATENCY_MS);
    network.slow('b', 'c', 1000);
    servers.at(-1)!.send(new Uint8Array(500));
    await clock.advance(LATENCY_MS + 100);
    expect(connection.receivedBytes).toBe(100);
    process.freeze();
    await clock.advance(1000);
    expect(connection.receivedBytes).toBe(100);
    process.thaw();
    await clock.advance(1);
    expect(connection.receivedBytes).toBe(500);
  });
});

describe('A link that is late', () => {
  it('is so by what is drawn for each message, in order, until that is over', async () => {
    const { client } = await opened();
    const late = [50, 0, 5];
    const end = network.delay('a', 'b', () => late.shift()!);
    for (const bytes of [1, 2]) client.send(new Uint8Array(bytes));
    await clock.advance(100);
    client.send(new Uint8Array(3));
    await clock.advance(100);
    end();
    client.send(new Uint8Array(4));
    await clock.advance(100);
    expect(events).toEqual(['80 1 got 1', '80 1 got 2', '135 1 got 3', '230 1 got 4']);
  });
});

describe('A message that comes in by a part', () => {
  it('is the next one that is so long, and nothing comes after it until the connection is dropped', async () => {
    const { client, server } = await opened();
    let halted = 0;
    const onHalted = (): void => {
      halted = clock.now();
    };
    network.halt('a', 'b', { bytesMin: 100, share: 0.25, onHalted });
    for (const bytes of [10, 200, 20]) client.send(new Uint8Array(bytes));
    await clock.advance(1000);
    expect(events).toEqual(['30 1 got 10']);
    expect(halted).toBe(30);
    expect(server.receivedBytes).toBe(10 + 50);
    expect(client.bufferedBytes).toBe(150 + 20);
    network.drop('a', 'b');
    await clock.advance(1);
    expect(events.slice(1)).toEqual(['1020 1 closed 1006']);
    const next = await opened();
    next.client.send(new Uint8Array(200));
    await clock.advance(LATENCY_MS);
    expect(events.at(-1)).toBe(`${clock.now()} 2 got 200`);
  });

  it('comes in whole if that is called off meanwhile', async () => {
    const { client } = await opened();
    const onHalted = (): never => expect.unreachable();
    const off = network.halt('a', 'b', { bytesMin: 100, share: 0.25, onHalted });
    client.send(new Uint8Array(200));
    await clock.advance(1);
    off();
    await clock.advance(LATENCY_MS);
    expect(events).toEqual(['30 1 got 200']);
  });

  it('comes in no further over a slow link', async () => {
    const { client, server } = await opened();
    network.slow('a', 'b', 1000);
    network.halt('a', 'b', { bytesMin: 100, share: 0.25, onHalted: () => {} });
    client.send(new Uint8Array(200));
    const seen: number[] = [];
    for (let at = 0; at < 5; at += 1) {
      await clock.advance(at === 0 ? LATENCY_MS : 30);
      seen.push(server.receivedBytes);
    }
    await clock.advance(1000);
    seen.push(server.receivedBytes);
    expect(seen).toEqual([0, 30, 50, 50, 50, 50]);
  });
});
