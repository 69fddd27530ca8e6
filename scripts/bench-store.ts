// How fast a store applies, reads and checkpoints. Run: npx pnpm@12.21.0 exec node scripts/bench-store.ts [seconds]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemClock } from '@holdfast/io';
import { Store } from '@holdfast/store';
import type {
  DatabaseUid,
  Entry,
  EntryRequest,
  LogIndex,
  Revision,
  SessionId,
  SessionRecord,
  Term,
} from '@holdfast/types';

const SECONDS = Number(process.argv[2] ?? 5);
const WRITES_PER_BATCH = 64;
const KEYS = 200_000;
const VALUE_BYTES = 100;
const CHECKPOINT_EVERY_BATCHES = 1000;
const SESSION = '1.1.0' as SessionId;

let index = 0;
let revision = 0;

interface Figures {
  readonly name: string;
  readonly count: number;
  readonly seconds: number;
  readonly sortedMs: readonly number[];
}

const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-store-'));
const { store } = await Store.open({
  directory,
  disk: new NodeDisk(),
  clock: new SystemClock(),
  onFailure: (error) => {
    throw error;
  },
});
try {
  const cpu = process.cpuUsage();
  const checkpointsMs: number[] = [];
  const applied = await measure(`apply, ${WRITES_PER_BATCH} writes a batch`, async () => {
    await store.apply(batchOf(nextEntry()));
    if (index % CHECKPOINT_EVERY_BATCHES === 0) checkpointsMs.push(await timeOf(() => store.checkpoint()));
  });
  const { user, system } = process.cpuUsage(cpu);
  const read = await measure('get, one key', async () => {
    for (let count = 0; count < 100; count++) store.get([randomKey()]);
  });
  const scanned = await measure('scan, 100 entries', async () => {
    const scan = store.scan({ gte: randomKey(), reverse: false, limit: 100, keys: true, values: true });
    await scan.next({ entriesMax: 100, bytesMax: 1_048_576 });
    await scan.close();
  });
  checkpointsMs.sort((left, right) => left - right);
  print([
    applied,
    { ...read, count: read.count * 100, sortedMs: read.sortedMs.map((ms) => ms / 100) },
    scanned,
    {
      name: `checkpoint, every ${CHECKPOINT_EVERY_BATCHES} batches`,
      count: checkpointsMs.length,
      seconds: SECONDS,
      sortedMs: checkpointsMs,
    },
  ]);
  console.log(
    `\n${Math.round((applied.count * WRITES_PER_BATCH) / applied.seconds)} writes/s applied, ${((user + system) / applied.count).toFixed(0)} µs of CPU a batch`,
  );
} finally {
  await store.close();
  await rm(directory, { recursive: true });
}

async function measure(name: string, run: () => Promise<void>): Promise<Figures> {
  const sortedMs: number[] = [];
  const start = performance.now();
  while (performance.now() - start < SECONDS * 1000) sortedMs.push(await timeOf(run));
  const seconds = (performance.now() - start) / 1000;
  sortedMs.sort((left, right) => left - right);
  return { name, count: sortedMs.length, seconds, sortedMs };
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function print(rows: readonly Figures[]): void {
  console.log('| what | per second | p50 ms | p99 ms |\n| --- | ---: | ---: | ---: |');
  for (const { name, count, seconds, sortedMs } of rows) {
    const at = (share: number): string => (sortedMs[Math.floor(sortedMs.length * share)] ?? 0).toFixed(3);
    console.log(
      `| ${name} | ${(count / seconds).toFixed(count / seconds < 10 ? 1 : 0)} | ${at(0.5)} | ${at(0.99)} |`,
    );
  }
}

function nextEntry(): Entry {
  index += 1;
  const firstRevision = (revision + 1) as Revision;
  const requests = Array.from({ length: WRITES_PER_BATCH }, (): EntryRequest => {
    revision += 1;
    const value = Buffer.alloc(VALUE_BYTES, revision);
    return {
      kind: 'write',
      session: SESSION,
      sequence: revision,
      floor: revision - 1,
      ack: 'quorum',
      mutations: [{ kind: 'put', key: randomKey(), value }],
      result: { kind: 'written', revision: revision as Revision },
    };
  });
  return {
    database: '0'.repeat(32) as DatabaseUid,
    index: index as LogIndex,
    term: 1 as Term,
    previousTerm: 1 as Term,
    logTime: index,
    firstRevision,
    body: { kind: 'requests', requests },
  };
}

function batchOf(entry: Entry): Parameters<Store['apply']>[0] {
  const session: SessionRecord = {
    id: SESSION,
    floor: revision - WRITES_PER_BATCH,
    usedAt: entry.logTime,
    runs: [
      {
        kind: 'plain',
        sequence: revision - WRITES_PER_BATCH + 1,
        count: WRITES_PER_BATCH,
        revision: entry.firstRevision,
        step: 1,
        index: entry.index,
        term: entry.term,
      },
    ],
  };
  return {
    kind: 'apply',
    entries: [entry],
    sessions: [session],
    closedSessions: [],
    history: [],
    applied: { index: entry.index, term: entry.term },
    revision: revision as Revision,
    logTime: entry.logTime,
  };
}

function randomKey(): Uint8Array {
  return Buffer.from(`key-${String(Math.floor(Math.random() * KEYS)).padStart(12, '0')}`);
}
