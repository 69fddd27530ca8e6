import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeDisk, SystemClock, SystemRandom } from '@holdfast/io';
import type { DatabaseUid, DiskId, Entry, LogIndex, Revision, Term, Ticket } from '@holdfast/types';
import { Wal } from '@holdfast/wal';
import { EntryCodec } from '@holdfast/wire';

/*
 * How fast the log of one node is on the disk under --directory: appends of one 100-byte write each, so many
 * in flight at a time, each waiting for its own durability.
 *   npx pnpm@12.21.0 exec node scripts/bench-wal.ts [--seconds 3] [--directory .]
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, directory: { type: 'string', default: '.' } },
});
const runMs = Number(values.seconds) * 1000;

console.log(
  'in flight   appends/s   sync p50 ms   sync p99 ms   append p50 ms   append p99 ms   appends/sync',
);
for (const inFlight of [1, 16, 64, 256]) await measure(inFlight);

async function measure(inFlight: number): Promise<void> {
  const directory = await mkdtemp(join(values.directory, '.bench-wal-'));
  const clock = new SystemClock();
  const syncMs: number[] = [];
  const appendMs: number[] = [];
  const startedAt: number[] = [];
  let durable = 0;
  let finished: () => void = () => {};
  const { wal } = await Wal.open({
    disk: new NodeDisk(),
    clock,
    random: new SystemRandom(),
    directory: join(directory, 'wal'),
    diskId: 'b'.repeat(32) as DiskId,
    codec: new EntryCodec(),
    onSync: (durationMs, _bytes, frames) => {
      if (frames > 0) syncMs.push(durationMs);
    },
    onDurable: (ticket) => {
      const now = clock.now();
      for (; durable < ticket; durable++) {
        appendMs.push(now - startedAt[durable]!);
        if (now < end) append();
      }
      if (now >= end && durable === startedAt.length) finished();
    },
    onFailure: (error) => {
      throw error;
    },
  });
  const began = clock.now();
  const end = began + runMs;

  function append(): void {
    const index = startedAt.length + 1;
    startedAt.push(clock.now());
    wal.append({
      ticket: index as Ticket,
      record: { kind: 'entries', entries: [entryAt(index)] },
      hardState: { term: 1 as Term },
      commitFloor: 0 as LogIndex,
      last: { index: index as LogIndex, term: 1 as Term },
    });
  }

  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  for (let number = 0; number < inFlight; number++) append();
  await done;
  const seconds = (clock.now() - began) / 1000;
  await wal.close();
  await rm(directory, { recursive: true });
  const row = [
    inFlight,
    Math.round(durable / seconds),
    percentile(syncMs, 0.5).toFixed(2),
    percentile(syncMs, 0.99).toFixed(2),
    percentile(appendMs, 0.5).toFixed(2),
    percentile(appendMs, 0.99).toFixed(2),
    (durable / syncMs.length).toFixed(1),
  ];
  const widths = [9, 12, 14, 14, 16, 16, 15];
  console.log(row.map((cell, column) => String(cell).padStart(widths[column]!)).join(''));
}

function entryAt(index: number): Entry {
  const value = new Uint8Array(100).fill(index % 256);
  const key = new Uint8Array(16).fill(index % 251);
  return {
    database: 'd'.repeat(32) as DatabaseUid,
    index: index as LogIndex,
    term: 1 as Term,
    previousTerm: (index === 1 ? 0 : 1) as Term,
    logTime: index,
    firstRevision: index as Revision,
    body: {
      kind: 'requests',
      requests: [
        {
          kind: 'write',
          session: '1.1.0' as never,
          sequence: index,
          floor: index - 1,
          ack: 'quorum',
          mutations: [{ kind: 'put', key, value }],
          result: { kind: 'written', revision: index as Revision },
        },
      ],
    },
  };
}

function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
