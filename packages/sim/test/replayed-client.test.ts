import { Holdfast } from '@holdfast/client';
import { CLIENT_SUBPROTOCOL, type Connection, type Transport } from '@holdfast/types';
import { expect, test } from 'vitest';
import { FaultBench } from './faults/support.ts';

const MESSAGE_BYTES_MAX = 16_777_216;

/** What was sent over each connection, in order. */
function recording(inner: Transport, sent: Uint8Array[][]): Transport {
  return {
    listen: (options) => inner.listen(options),
    connect: (options) => {
      const connection = inner.connect(options);
      const frames: Uint8Array[] = [];
      sent.push(frames);
      const send = connection.send.bind(connection);
      connection.send = (bytes) => {
        frames.push(bytes);
        send(bytes);
      };
      return connection;
    },
  };
}

/** Says to a node all that was said over a connection, from the hello on. Answers how many bytes came back. */
async function replay(bench: FaultBench, url: string, frames: readonly Uint8Array[]): Promise<number> {
  const { transport } = bench.cluster.clientProcess('proxy');
  const connection: Connection = transport.connect({
    url: `${url}/client`,
    subprotocol: CLIENT_SUBPROTOCOL,
    handshakeTimeoutMs: 1000,
    maxMessageBytes: MESSAGE_BYTES_MAX,
    handlers: {
      onOpen: () => {
        for (const frame of frames) connection.send(frame);
      },
      onMessage: () => {},
      onClose: () => {},
    },
  });
  await bench.cluster.clock.advance(300);
  const { receivedBytes } = connection;
  connection.terminate();
  return receivedBytes;
}

test('a connection of a client that is played again, to any node, changes nothing', async () => {
  const bench = await FaultBench.formed(3);
  const { cluster } = bench;
  const { transport, clock, random } = cluster.clientProcess('c2');
  const sent: Uint8Array[][] = [];
  const seams = { transport: recording(transport, sent), clock, random };
  const client = new Holdfast(cluster.urls, { seams });
  const run = <Result>(promise: Promise<Result>): Promise<Result> => cluster.clock.drive(promise);
  for (const value of ['1', '2', '3']) {
    await run(client.put('key', value));
    await run(client.increment('count', 1));
  }
  await run(client.put('key', 'local', { ack: 'local' }));
  await run(client.del('key'));
  const calls = sent.filter((frames) => frames.length > 3);
  expect(calls.length).toBeGreaterThan(0);
  const again = async (): Promise<void> => {
    for (const url of cluster.urls)
      for (const frames of calls) expect(await replay(bench, url, frames)).toBeGreaterThan(100);
    expect(await run(client.get('key'))).toBe(undefined);
    expect(await run(client.get('count'))).toBe('3');
    expect(bench.watch.failure).toBe(undefined);
  };
  await again();
  cluster.primary!.kill();
  await bench.write(1);
  cluster.startAll();
  await bench.level();
  await again();
  await bench.level();
});
