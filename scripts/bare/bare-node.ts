// One node of the bare cluster, see bare-cluster.ts. argv: directory, then the ports of the standbys (a primary) or none.
import { closeSync, fdatasync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { Packr } from 'msgpackr';
import { WebSocket, WebSocketServer } from 'ws';

type Write = readonly [id: number, key: Uint8Array, value: Uint8Array];

const LOG_BYTES = 268_435_456;
const CHUNK_BYTES = 1_048_576;
const BLOCK_BYTES = 4096;
const HEAD_BYTES = 8;
const APPLY_MS = 10;

const [directory = '', ...standbyPorts] = process.argv.slice(2);
const packr = new Packr({ useRecords: false });
mkdirSync(directory, { recursive: true });
const log = openSync(join(directory, 'log'), 'w');
const zeros = Buffer.alloc(CHUNK_BYTES);
for (let position = 0; position < LOG_BYTES; position += CHUNK_BYTES)
  writeSync(log, zeros, 0, CHUNK_BYTES, position);
fdatasyncSync(log);
const store = new ClassicLevel<Uint8Array, Uint8Array>(join(directory, 'store'), {
  keyEncoding: 'view',
  valueEncoding: 'view',
  writeBufferSize: 8_388_608,
});
await store.open();

let logEnd = 0;

function persist(bytes: Uint8Array, onSynced: () => void): void {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  frame.writeUInt32BE(crc32(bytes), 0);
  frame.writeUInt32BE(bytes.length, 4);
  frame.set(bytes, HEAD_BYTES);
  if (logEnd + frame.length > LOG_BYTES) logEnd = 0;
  writeSync(log, frame, 0, frame.length, logEnd);
  logEnd += Math.ceil(frame.length / BLOCK_BYTES) * BLOCK_BYTES;
  fdatasync(log, (error) => {
    if (error) throw error;
    onSynced();
  });
}

let unapplied: Write[] = [];
setInterval(() => {
  if (unapplied.length === 0) return;
  const batch = store.batch();
  for (const [, key, value] of unapplied) batch.put(key, value);
  unapplied = [];
  void batch.write();
}, APPLY_MS);

function numbered(number: number, bytes: Uint8Array = new Uint8Array()): Buffer {
  const message = Buffer.allocUnsafe(4 + bytes.length);
  message.writeUInt32BE(number, 0);
  message.set(bytes, 4);
  return message;
}

function follow(primary: WebSocket): void {
  primary.on('message', (message: Buffer) => {
    const bytes = message.subarray(4);
    persist(bytes, () => primary.send(numbered(message.readUInt32BE(0))));
    for (const write of packr.unpack(bytes) as Write[]) unapplied.push(write);
  });
}

interface Entry {
  readonly writes: readonly Write[];
  copies: number;
}

/** While one sync is under way the next entry collects; two copies of three are a majority. */
function lead(standbys: readonly WebSocket[]): (client: WebSocket) => void {
  const open = new Map<number, Entry>();
  let queue: Write[] = [];
  let syncing = false;
  let newest = 0;
  let client: WebSocket | undefined;
  const held = (number: number): void => {
    const entry = open.get(number);
    if (entry === undefined) return;
    entry.copies += 1;
    if (entry.copies === 2) {
      client?.send(packr.pack(entry.writes.map(([id]) => id)));
      for (const write of entry.writes) unapplied.push(write);
    }
    if (entry.copies === standbys.length + 1) open.delete(number);
  };
  const pump = (): void => {
    if (syncing || queue.length === 0) return;
    syncing = true;
    newest += 1;
    const number = newest;
    open.set(number, { writes: queue, copies: 0 });
    const bytes = Buffer.from(packr.pack(queue));
    queue = [];
    for (const standby of standbys) standby.send(numbered(number, bytes));
    persist(bytes, () => {
      syncing = false;
      held(number);
      pump();
    });
  };
  for (const standby of standbys) standby.on('message', (message: Buffer) => held(message.readUInt32BE(0)));
  return (connected) => {
    client = connected;
    connected.on('message', (message: Buffer) => {
      for (const write of packr.unpack(message) as Write[]) queue.push(write);
      pump();
    });
  };
}

async function connect(port: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

const standbys = await Promise.all(standbyPorts.map(connect));
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', standbys.length > 0 ? lead(standbys) : follow);
server.on('listening', () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => {
  closeSync(log);
  process.exit(0);
});
