import { type CloseInfo, type Connection, type Listener, PEER_SUBPROTOCOL } from '@holdfast/types';
import { beforeEach, describe, expect, it } from 'vitest';
import { SimClock, SimNetwork, SimRandom } from '../src/index.ts';

let clock: SimClock;
let network: SimNetwork;
let listener: Listener;
let server: Connection;
let events: string[];

beforeEach(async () => {
  clock = new SimClock();
  network = new SimNetwork({ clock, latencyMs: 10 });
  events = [];
  listener = await network.transport('b').listen({
    host: 'b',
    port: 7101,
    decide: () => ({ accept: 'test.v1', maxMessageBytes: 1000 }),
    onConnection: (connection) => {
      server = connection;
      note('accepted');
      connection.handlers = handlers('server');
    },
  });
});

function note(event: string): void {
  events.push(`${clock.now()} ${event}`);
}

function handlers(who: string): Connection['handlers'] {
  return {
    onOpen: () => note(`${who} open`),
    onMessage: (bytes) => note(`${who} got ${Buffer.from(bytes)}`),
    onClose: ({ cause, code }: CloseInfo) => note(`${who} ${cause} ${code}`),
  };
}

function connect(url = 'ws://b:7101/'): Connection {
  const options = { url, subprotocol: 'test.v1', handshakeTimeoutMs: 100, maxMessageBytes: 1000 };
  return network.transport('a').connect({ ...options, handlers: handlers('client') });
}

async function opened(): Promise<Connection> {
  const client = connect();
  await clock.advance(20);
  events = [];
  return client;
}

describe('Messages that arrive twice', () => {
  async function peers(): Promise<Connection> {
    await listener.close();
    listener = await network.transport('b').listen({
      host: 'b',
      port: 7101,
      decide: () => ({ accept: PEER_SUBPROTOCOL, maxMessageBytes: 1000 }),
      onConnection: (connection) => {
        server = connection;
        connection.handlers = handlers('server');
      },
    });
    const url = 'ws://b:7101/';
    const options = { url, subprotocol: PEER_SUBPROTOCOL, handshakeTimeoutMs: 100, maxMessageBytes: 1000 };
    const client = network.transport('a').connect({ ...options, handlers: handlers('client') });
    await clock.advance(20);
    client.send(Buffer.from('hello'));
    await clock.advance(20);
    events = [];
    return client;
  }

  it('do so after they arrived, but for the hello, one way, until that is over', async () => {
    const repeated: number[] = [];
    const onRepeated = (): number => repeated.push(clock.now());
    network.repeat({ from: 'a', to: 'b', share: 1, lateMsMax: 50, random: new SimRandom(1), onRepeated });
    const client = await peers();
    for (const word of ['one', 'two', 'three']) client.send(Buffer.from(word));
    server.send(Buffer.from('back'));
    await clock.advance(100);
    const got = (word: string): number =>
      events.filter((event) => event.endsWith(`server got ${word}`)).length;
    expect(['hello', 'one', 'two', 'three'].map(got)).toEqual([0, 2, 2, 2]);
    expect(events.filter((event) => event.includes('client got'))).toHaveLength(1);
    expect(repeated).toHaveLength(3);
    network.stopRepeats('a', 'b');
    client.send(Buffer.from('four'));
    await clock.advance(100);
    expect(got('four')).toBe(1);
  });

  it('do so over a later connection, once that has said hello', async () => {
    network.repeat({ from: 'a', to: 'b', share: 1, lateMsMax: 10_000, random: new SimRandom(4) });
    const first = await peers();
    first.send(Buffer.from('old'));
    await clock.advance(10);
    first.terminate();
    await peers();
    await clock.advance(10_000);
    expect(events.map((event) => event.split(' ').slice(1).join(' '))).toEqual(['server got old']);
  });

  it('are those between nodes only', async () => {
    network.repeat({ from: 'a', to: 'b', share: 1, lateMsMax: 10, random: new SimRandom(1) });
    const client = await opened();
    for (const word of ['one', 'two']) client.send(Buffer.from(word));
    await clock.advance(100);
    expect(events).toEqual(['30 server got one', '30 server got two']);
  });
});

describe('SimNetwork', () => {
  it('keeps what is sent waiting while a link is stalled, in order, and closes nothing', async () => {
    const client = await opened();
    client.send(Buffer.from('one'));
    network.stall('a', 'b', 100);
    client.send(Buffer.from('two'));
    server.send(Buffer.from('back'));
    await clock.advance(200);
    expect(events).toEqual(['30 client got back', '130 server got one', '130 server got two']);
  });

  it('lets nobody in where the host is held, until it is released', async () => {
    network.hold('b');
    connect();
    await clock.advance(50);
    expect(events).toEqual([]);
    network.release('b');
    await clock.advance(20);
    expect(events).toEqual(['50 accepted', '60 client open']);
  });

  it('lets a host vanish without a word, until something listens there again', async () => {
    const client = await opened();
    server.send(Buffer.from('lost'));
    network.vanish('b');
    client.send(Buffer.from('into the void'));
    connect();
    await clock.advance(50);
    expect(events).toEqual([]);
    await network.transport('b').listen({
      host: 'b',
      port: 7101,
      decide: () => ({ refuse: 503, message: 'not yet' }),
      onConnection: () => {},
    });
    await clock.advance(100);
    expect(events).toEqual(['70 client closed 1006', '120 client refused 1006']);
  });

  it('takes its latency each way', async () => {
    const client = connect();
    await clock.advance(20);
    client.send(Buffer.from('hello'));
    server.send(Buffer.from('welcome'));
    await clock.advance(100);
    expect(events).toEqual(['10 accepted', '20 client open', '30 server got hello', '30 client got welcome']);
  });

  it('keeps the order of messages whatever the latency drawn', async () => {
    const client = await opened();
    const random = new SimRandom(3);
    network.setLatency('a', 'b', () => random.next() * 50);
    for (let number = 0; number < 20; number++) client.send(Buffer.from(`${number}`));
    await clock.advance(50);
    expect(events.map((event) => event.split(' ')[3])).toEqual(
      Array.from({ length: 20 }, (_, number) => `${number}`),
    );
  });

  it('holds back what a cut link would carry, tells nobody, and delivers it when it heals', async () => {
    const client = await opened();
    client.send(Buffer.from('under way'));
    network.cut('a', 'b');
    client.send(Buffer.from('later'));
    server.send(Buffer.from('answer'));
    await clock.advance(60_000);
    expect(events).toEqual([]);
    expect([client.bufferedBytes, server.bufferedBytes]).toEqual([14, 6]);
    network.heal('a', 'b');
    await clock.advance(60_000);
    expect(events.filter((event) => event.includes('server'))).toEqual([
      '60030 server got under way',
      '60030 server got later',
    ]);
    expect(events).toContain('60030 client got answer');
    expect(client.bufferedBytes).toBe(0);
  });

  it('cuts one way only', async () => {
    const client = await opened();
    network.cutOneWay('a', 'b');
    client.send(Buffer.from('lost for now'));
    server.send(Buffer.from('heard'));
    await clock.advance(1000);
    expect(events).toEqual(['30 client got heard']);
    network.healAll();
    await clock.advance(1000);
    expect(events.at(-1)).toBe('1030 server got lost for now');
  });

  it('refuses after the handshake timeout over a cut link, and ends what came of it late', async () => {
    network.cut('a', 'b');
    connect();
    await clock.advance(200);
    expect(events).toEqual(['100 client refused 1006']);
    network.heal('a', 'b');
    await clock.advance(200);
    expect(events.slice(1)).toEqual(['210 accepted', '230 server closed 1006']);
  });

  it('gives a close up that is not answered', async () => {
    const client = await opened();
    network.cut('a', 'b');
    client.close();
    await clock.advance(5000);
    expect(events).toEqual(['3020 client closed 1006']);
  });

  it('drops connections with what is under way', async () => {
    const client = await opened();
    client.send(Buffer.from('never read'));
    network.drop('b', 'a');
    await clock.advance(100);
    expect(events.sort()).toEqual(['20 client closed 1006', '20 server closed 1006']);
    connect();
    await clock.advance(100);
    expect(events).toContain('140 client open');
  });

  it('has a killed host’s connections closed at the other end, after what it had sent', async () => {
    await opened();
    server.send(Buffer.from('last words'));
    network.kill('b');
    server.send(Buffer.from('from the dead'));
    await clock.advance(100);
    expect(events).toEqual(['30 client got last words', '30 client closed 1006']);
    events = [];
    connect();
    await clock.advance(100);
    expect(events).toEqual(['140 client refused 1006']);
  });

  it('leaves the other end unaware of a host that was cut off before it died', async () => {
    await opened();
    network.cut('a', 'b');
    network.kill('b');
    await clock.advance(60_000);
    expect(events).toEqual([]);
  });

  it('forgets the first listener of an address when it is closed, not the next', async () => {
    await listener.close();
    const options = { host: 'b', port: 7101, onConnection: () => note('accepted') };
    await network
      .transport('b')
      .listen({ ...options, decide: () => ({ accept: 'test.v1', maxMessageBytes: 1 }) });
    await listener.close();
    connect();
    await clock.advance(20);
    expect(events).toEqual(['10 accepted', '20 client open']);
  });

  it('takes a loopback address for the host itself', async () => {
    connect('ws://127.0.0.1:7101/');
    await clock.advance(20);
    expect(events).toEqual(['20 client refused 1006']);
  });

  it('gives each side bytes of its own', async () => {
    const client = await opened();
    const bytes = new Uint8Array([1, 2, 3]);
    let got = new Uint8Array(0);
    server.handlers = {
      onMessage: (message) => {
        got = message as Uint8Array<ArrayBuffer>;
      },
      onClose: () => {},
    };
    client.send(bytes);
    await clock.advance(10);
    got[0] = 99;
    expect([...bytes]).toEqual([1, 2, 3]);
  });
});
