import { readFileSync } from 'node:fs';
import {
  CLIENT_SUBPROTOCOL,
  PEER_SUBPROTOCOL,
  PROTOCOL_VERSION,
  SNAPSHOT_SUBPROTOCOL,
} from '@holdfast/types';
import { encodeClientMessages } from '@holdfast/wire';
import { expect, test } from 'vitest';
import { Bystander } from '../support/faults/bystander.ts';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { RawSocket } from '../support/faults/raw-socket.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const IDLE = 1000;
const NEVER_READ = 6;
const LARGE_BYTES = 262_144;
const MEBIBYTE = 1_048_576;
const BUFFERED_BYTES_MAX = 4 * MEBIBYTE;
const FLAGS = {
  clientBufferedBytesMax: BUFFERED_BYTES_MAX,
  // An election for want of a processor is not what is tested.
  electionTimeoutMs: 2000,
};
const HELLO = encodeClientMessages([
  { kind: 'hello', protocol: PROTOCOL_VERSION, database: 'default', name: 'hostile' },
]);

function residentBytes(cluster: ProcessCluster, id: string): number {
  const status = readFileSync(`/proc/${cluster.pid(id)}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** The most memory that the node took while `during` ran, above what it had. */
async function growthOf(
  cluster: ProcessCluster,
  id: string,
  during: () => Promise<unknown>,
): Promise<number> {
  const before = residentBytes(cluster, id);
  let highest = before;
  const sampling = setInterval(() => {
    highest = Math.max(highest, residentBytes(cluster, id));
  }, 20);
  try {
    await during();
  } finally {
    clearInterval(sampling);
  }
  return highest - before;
}

async function openClient(port: number): Promise<RawSocket> {
  const raw = new RawSocket(port);
  expect(await raw.upgrade('/client', { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL })).toBe('HTTP/1.1 101');
  return raw;
}

// G17, fault 57.
test('a thousand idle connections of each kind cost little, and those that say nothing go', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const id = await cluster.primary();
  const port = cluster.port(id);
  const bystander = await Bystander.begin(cluster);
  const before = (await cluster.status(id)).connections;
  const sockets: RawSocket[] = [];
  const growth = await growthOf(cluster, id, async () => {
    const silent = Array.from({ length: IDLE }, () => new RawSocket(port));
    await Promise.all(silent.map((raw) => raw.connected()));
    const greeted: RawSocket[] = [];
    for (let made = 0; made < IDLE; made += 50) {
      greeted.push(...(await Promise.all(Array.from({ length: 50 }, () => openClient(port)))));
      for (const raw of greeted.slice(-50)) raw.frame(HELLO);
    }
    sockets.push(...silent, ...greeted);
    // Those who greet may stay, those who say nothing may not.
    await waitUntil('the silent ones to be cut', () => silent.every((raw) => !raw.isOpen));
    expect((await cluster.status(id)).connections).toBe(before + IDLE);
    expect(greeted.every((raw) => raw.isOpen)).toBe(true);
  });
  for (const raw of sockets) raw.destroy();
  await cluster.until(id, 'to forget them', ({ connections }) => connections === before);
  console.log(`${2 * IDLE} connections took ${(growth / MEBIBYTE).toFixed(0)} MiB; ${await bystander.end()}`);
  expect(growth).toBeLessThan(150 * MEBIBYTE);
});

test('who sends a byte now and then is cut in time, on every path', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const bystander = await Bystander.begin(cluster);
  const port = cluster.port('n1');
  const texts = [
    `GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Long: ${'x'.repeat(1000)}`,
    `POST /v1/switchover HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n${' '.repeat(900)}`,
    `GET /client HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Long: ${'x'.repeat(1000)}`,
  ];
  const drip = async (raw: RawSocket, bytes: Uint8Array): Promise<number> => {
    const start = performance.now();
    let sent = 0;
    const dripping = setInterval(() => raw.write(bytes.subarray(sent, ++sent)), 10);
    await raw.ended();
    clearInterval(dripping);
    raw.destroy();
    return performance.now() - start;
  };
  const lasted = await Promise.all([
    ...texts.map((text) => drip(new RawSocket(port), Buffer.from(text))),
    ...(
      [
        ['/client', CLIENT_SUBPROTOCOL],
        ['/peer', PEER_SUBPROTOCOL],
        ['/snapshot', SNAPSHOT_SUBPROTOCOL],
      ] as const
    ).map(async ([path, subprotocol]) => {
      const raw = new RawSocket(port);
      await raw.upgrade(path, { 'sec-websocket-protocol': subprotocol });
      raw.frame(Buffer.alloc(0), { claimedBytes: 60_000 });
      return drip(raw, Buffer.alloc(60_000));
    }),
  ]);
  console.log(`cut after ${lasted.map((ms) => ms.toFixed(0)).join(', ')} ms; ${await bystander.end()}`);
  expect(Math.max(...lasted)).toBeLessThan(10_000);
});

test('a client that asks and never reads is cut, and its answers do not fill the memory', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const id = await cluster.primary();
  const client = await cluster.client();
  const key = 'large';
  await client.put(key, 'x'.repeat(LARGE_BYTES));
  const bystander = await Bystander.begin(cluster);
  const reads = (from: number): Uint8Array =>
    encodeClientMessages([
      {
        kind: 'read',
        reads: Array.from({ length: 100 }, (_, offset) => ({
          id: from + offset,
          consistency: 'linearizable' as const,
          remainingMs: 10_000,
          keys: [Buffer.from(key)],
          token: 0 as never,
        })),
      },
    ]);
  const growth = await growthOf(cluster, id, async () => {
    const sockets = await Promise.all(
      Array.from({ length: NEVER_READ }, async () => {
        const raw = await openClient(cluster.port(id));
        raw.frame(HELLO);
        raw.socket.pause();
        for (let sent = 0; sent < 10; sent++) raw.frame(reads(1 + sent * 100));
        return raw;
      }),
    );
    // Who reads is served all the while.
    for (let read = 0; read < 20; read++) expect((await client.get(key))?.length).toBe(LARGE_BYTES);
    // What was kept for each is little: the rest was refused, or the connection cut.
    await Promise.all(
      sockets.map(async (raw) => {
        const before = raw.socket.bytesRead;
        raw.socket.resume();
        raw.frame(encodeClientMessages([{ kind: 'ping', id: 999_999 }]));
        raw.frame(Buffer.from([0x03, 0xe8]), { opcode: 'close' });
        await raw.ended();
        expect(raw.socket.bytesRead - before).toBeLessThan(4 * BUFFERED_BYTES_MAX);
        raw.destroy();
      }),
    );
  });
  console.log(`1.5 GiB asked for took ${(growth / MEBIBYTE).toFixed(0)} MiB; ${await bystander.end()}`);
  expect(growth).toBeLessThan(200 * MEBIBYTE);
});

test('long messages of those who have not said who they are do not fill the memory', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const id = await cluster.primary();
  const port = cluster.port(id);
  const bystander = await Bystander.begin(cluster);
  const growth = await growthOf(cluster, id, async () => {
    const most = Buffer.alloc(4 * MEBIBYTE);
    await Promise.all(
      Array.from({ length: 40 }, async (_, number) => {
        const raw = new RawSocket(port);
        const [path, subprotocol] =
          number % 2 === 0 ? ['/client', CLIENT_SUBPROTOCOL] : ['/peer', PEER_SUBPROTOCOL];
        await raw.upgrade(path, { 'sec-websocket-protocol': subprotocol });
        raw.frame(most, { claimedBytes: 16 * MEBIBYTE });
        expect((await raw.ended()).code).toBe(1009);
        raw.destroy();
      }),
    );
  });
  console.log(
    `160 MiB of 640 without a hello took ${(growth / MEBIBYTE).toFixed(0)} MiB; ${await bystander.end()}`,
  );
  expect(growth).toBeLessThan(100 * MEBIBYTE);
});

test('more connections than there may be are refused with a code, and others go on', async () => {
  const cluster = await ProcessCluster.start({ flags: { ...FLAGS, clientConnectionsMax: 20 } });
  const id = await cluster.primary();
  const port = cluster.port(id);
  const bystander = await Bystander.begin(cluster);
  // More connections than there may be: the last are refused, with a code.
  const sockets = await Promise.all(Array.from({ length: 30 }, () => new RawSocket(port)));
  const answers = await Promise.all(
    sockets.map((raw) => raw.upgrade('/client', { 'sec-websocket-protocol': CLIENT_SUBPROTOCOL })),
  );
  const refused = answers.filter((answer) => /^HTTP\/1\.1 503 [\s\S]*HOLDFAST_OVERLOADED/.test(answer));
  expect(refused.length).toBeGreaterThanOrEqual(10);
  for (const raw of sockets) raw.destroy();
  console.log(`${refused.length} of 30 refused; ${await bystander.end()}`);
});
