import type { CloseInfo, Connection, Listener, ListenOptions, UpgradeRequest } from '@holdfast/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WORLDS, type World } from './worlds.ts';

/** One end as a test sees it. */
interface End {
  connection: Connection;
  messages: string[];
  opened: number;
  closes: CloseInfo[];
}

describe.each(WORLDS)('Transport, $name', ({ open: openWorld }) => {
  let world: World;
  let listeners: Listener[] = [];
  let accepted: End[] = [];
  beforeEach(async () => {
    world = await openWorld();
    listeners = [];
    accepted = [];
  });
  afterEach(async () => {
    await world.settled(Promise.all(listeners.map((listener) => listener.close())));
    await world.close();
  });

  function watch(end: End): Connection['handlers'] {
    return {
      onOpen: () => end.opened++,
      onMessage: (bytes) => end.messages.push(Buffer.from(bytes).toString()),
      onClose: (info) => end.closes.push(info),
    };
  }

  async function listen(options: Partial<ListenOptions> = {}): Promise<Listener> {
    const listener = await world.settled(
      world.server.listen({
        host: world.listenHost,
        port: 0,
        decide: () => ({ accept: 'test.v1', maxMessageBytes: 1000 }),
        onConnection: (connection) => {
          const end: End = { connection, messages: [], opened: 0, closes: [] };
          connection.handlers = watch(end);
          accepted.push(end);
        },
        ...options,
      }),
    );
    listeners.push(listener);
    return listener;
  }

  function connect(url: string, options: { subprotocol?: string } = {}): End {
    const end = { messages: [], opened: 0, closes: [] } as unknown as End;
    end.connection = world.client.connect({
      url,
      subprotocol: options.subprotocol ?? 'test.v1',
      handshakeTimeoutMs: 15_000,
      maxMessageBytes: 2000,
      handlers: watch(end),
    });
    return end;
  }

  async function pair(
    options: Partial<ListenOptions> = {},
  ): Promise<{ client: End; server: End; listener: Listener }> {
    const listener = await listen(options);
    const client = connect(`${world.urlOf(listener.port)}/path`);
    await world.until(() => client.opened === 1 && accepted.length === 1);
    return { client, server: accepted[0]!, listener };
  }

  const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

  it('carries messages both ways, whole and in order', async () => {
    const { client, server } = await pair();
    const sent = Array.from({ length: 200 }, (_, number) => `message ${number} ${'x'.repeat(number)}`);
    for (const message of sent) client.connection.send(text(message));
    for (const message of sent) server.connection.send(text(message));
    server.connection.send(new Uint8Array(0));
    await world.until(() => server.messages.length === 200 && client.messages.length === 201);
    expect(server.messages).toEqual(sent);
    expect(client.messages).toEqual([...sent, '']);
    await world.until(() => client.connection.bufferedBytes === 0 && server.connection.bufferedBytes === 0);
  });

  it('counts what comes in', async () => {
    const { client, server } = await pair();
    const [before, silent] = [server.connection.receivedBytes, client.connection.receivedBytes];
    client.connection.send(text('x'.repeat(1000)));
    await world.until(() => server.messages.length === 1);
    const after = server.connection.receivedBytes;
    expect(after - before).toBeGreaterThanOrEqual(1000);
    expect(after - before).toBeLessThan(1100);
    expect(client.connection.receivedBytes).toBe(silent);
  });

  it('tells the listener who asks, and both sides what was agreed', async () => {
    const requests: UpgradeRequest[] = [];
    const decide: ListenOptions['decide'] = (request) => {
      requests.push(request);
      return { accept: 'test.v1', maxMessageBytes: 10 };
    };
    const listener = await listen({ decide });
    const client = connect(`${world.urlOf(listener.port)}/some/path?query=1`);
    await world.until(() => client.opened === 1);
    const host = world.urlOf(listener.port).slice('ws://'.length);
    expect(requests).toMatchObject([{ path: '/some/path', subprotocols: ['test.v1'], host }]);
    expect(requests[0]).not.toHaveProperty('origin');
    expect(requests[0]!.remoteAddress).toMatch(/:\d+$/);
    expect(client.connection.subprotocol).toBe('test.v1');
    expect(accepted[0]!.connection.subprotocol).toBe('test.v1');
    expect(client.connection.remoteAddress).toBe(host);
  });

  it('delivers what the server says before the client has done anything', async () => {
    const listener = await listen({
      onConnection: (connection) => {
        connection.handlers = { onMessage: () => {}, onClose: () => {} };
        connection.send(text('welcome'));
      },
    });
    const client = connect(world.urlOf(listener.port));
    await world.until(() => client.messages.length === 1);
    expect(client.opened).toBe(1);
  });

  it('closes in order with code and reason, after all that was sent', async () => {
    const { client, server } = await pair();
    client.connection.send(text('last words'));
    client.connection.close(4321, 'done');
    client.connection.send(text('too late'));
    client.connection.close(4000, 'again');
    await world.until(() => server.closes.length === 1 && client.closes.length === 1);
    expect(server.messages).toEqual(['last words']);
    expect(server.closes).toEqual([{ cause: 'closed', code: 4321, reason: 'done' }]);
    expect(client.closes).toEqual([{ cause: 'closed', code: 4321, reason: 'done' }]);
    server.connection.send(text('into the void'));
    server.connection.close();
    server.connection.terminate();
    expect(server.connection.bufferedBytes).toBe(0);
  });

  it('hands up nothing after it was told to close', async () => {
    const { client, server } = await pair();
    for (let number = 0; number < 20; number++) server.connection.send(text(`${number}`));
    client.connection.close();
    await world.until(() => client.closes.length === 1 && server.closes.length === 1);
    expect(client.messages).toEqual([]);
  });

  it('bears a long reason', async () => {
    const { client, server } = await pair();
    server.connection.close(4001, 'é'.repeat(200));
    await world.until(() => client.closes.length === 1);
    expect(client.closes[0]!.code).toBe(4001);
    expect(client.closes[0]!.reason).toMatch(/^é{50,}$/);
  });

  it('cuts at once with terminate: 1006 at both ends, once', async () => {
    const { client, server } = await pair();
    client.connection.terminate();
    client.connection.terminate();
    client.connection.send(text('nothing'));
    await world.until(() => server.closes.length === 1 && client.closes.length === 1);
    expect(server.closes[0]).toMatchObject({ cause: 'closed', code: 1006 });
    expect(client.closes[0]).toMatchObject({ cause: 'closed', code: 1006 });
  });

  it('closes only the connection that got an oversized message', async () => {
    const { client, server, listener } = await pair();
    const other = connect(world.urlOf(listener.port));
    await world.until(() => other.opened === 1);
    client.connection.send(new Uint8Array(1000));
    client.connection.send(new Uint8Array(1001));
    client.connection.send(text('never read'));
    await world.until(() => client.closes.length === 1 && server.closes.length === 1);
    expect(server.messages).toHaveLength(1);
    expect(client.closes[0]).toMatchObject({ cause: 'closed', code: 1009 });
    expect(server.closes[0]!.cause).toBe('closed');
    other.connection.send(text('still here'));
    await world.until(() => accepted[1]!.messages.length === 1);
    accepted[1]!.connection.send(new Uint8Array(2001));
    await world.until(() => accepted[1]!.closes.length === 1);
    expect(accepted[1]!.closes[0]!.code).toBe(1009);
    expect(other.messages).toEqual([]);
  });

  it('tells a refused client why', async () => {
    const listener = await listen({ decide: () => ({ refuse: 403, message: 'origin not allowed' }) });
    const client = connect(world.urlOf(listener.port));
    await world.until(() => client.closes.length === 1);
    expect(client.closes).toEqual([{ cause: 'refused', code: 1006, reason: 'HTTP 403: origin not allowed' }]);
    expect(client.opened).toBe(0);
    expect(accepted).toEqual([]);
  });

  it('refuses a subprotocol that was not offered', async () => {
    const listener = await listen();
    const client = connect(world.urlOf(listener.port), { subprotocol: 'other.v1' });
    await world.until(() => client.closes.length === 1);
    expect(client.closes).toEqual([
      { cause: 'refused', code: 1006, reason: 'HTTP 400: this path speaks test.v1' },
    ]);
    expect(accepted).toEqual([]);
  });

  it('is refused where nobody listens, and by what is no address', async () => {
    const listener = await listen();
    const url = world.urlOf(listener.port);
    await world.settled(listener.close());
    const ends = [connect(url), connect('nonsense'), connect('http://x/'), connect('ws+unix:///tmp/x')];
    expect(ends.every((end) => end.closes.length === 0)).toBe(true);
    await world.until(() => ends.every((end) => end.closes.length === 1));
    for (const end of ends) expect(end.closes[0]).toMatchObject({ cause: 'refused', code: 1006 });
    expect(ends[0]!.closes[0]!.reason).toContain('ECONNREFUSED');
    for (const end of ends.slice(1)) expect(end.closes[0]!.reason).toContain('not a ws:// or wss:// address');
  });

  it.each(['close', 'terminate'] as const)('%s before the handshake ends it as refused', async (method) => {
    const listener = await listen();
    const client = connect(world.urlOf(listener.port));
    client.connection[method]();
    client.connection.send(text('nothing'));
    await world.until(() => client.closes.length === 1);
    expect(client.opened).toBe(0);
    expect(client.closes[0]).toMatchObject({ cause: 'refused', code: 1006 });
    await world.until(() => accepted.every((end) => end.closes.length === 1));
  });

  it('holds sending before onOpen for a mistake', async () => {
    const listener = await listen();
    const client = connect(world.urlOf(listener.port));
    expect(() => client.connection.send(text('early'))).toThrow(/before onOpen/);
    await world.until(() => client.opened === 1);
  });

  it('rejects a second listener on a port', async () => {
    const listener = await listen();
    await expect(listen({ port: listener.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('cuts every connection it accepted when the listener closes, and frees the port', async () => {
    const { client, server, listener } = await pair();
    await world.settled(listener.close());
    await world.until(() => client.closes.length === 1 && server.closes.length === 1);
    expect(client.closes[0]).toMatchObject({ cause: 'closed', code: 1006 });
    const next = await listen({ port: listener.port });
    expect(next.port).toBe(listener.port);
  });

  it('has handlers replaced at any time', async () => {
    const { client, server } = await pair();
    const seen: number[] = [];
    server.connection.handlers = {
      onMessage: (bytes) => seen.push(bytes.length),
      onClose: () => seen.push(-1),
    };
    client.connection.send(text('abc'));
    client.connection.close();
    await world.until(() => seen.includes(-1));
    expect(seen).toEqual([3, -1]);
  });
});
