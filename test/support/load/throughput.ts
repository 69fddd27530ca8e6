import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Holdfast } from '@holdfast/client';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { ownSeams } from '../cluster/own-seams.ts';
import { quantile } from './failovers.ts';

const KEY_CHARACTERS = 16;
const VALUE_BYTES = 100;
const KEYS = 100_000;
const SAMPLES_MAX = 4_000_000;
const POOL_BYTES = 1_048_576;
const TICKS_PER_SECOND = 100;

export interface ThroughputPlan {
  readonly kind: 'write' | 'read';
  readonly inFlight: number;
  readonly seconds: number;
  /** Calls a second that this is to reach, with nothing else running on the machine. */
  readonly aimPerSecond?: number;
}

export interface ThroughputFigures {
  readonly plan: ThroughputPlan;
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the primary, for each write. */
  readonly syncsPerCall: number;
  /** Microseconds of processor time for each call: primary, each standby, client. */
  readonly cpuMicros: readonly number[];
}

const pool = randomBytes(POOL_BYTES);

/** Made beforehand: what is measured is not how fast keys are made. */
const keys = Array.from({ length: KEYS }, (_, number) =>
  Buffer.from(String(number).padStart(KEY_CHARACTERS, 'k')),
);

export function randomKey(): Buffer {
  return keys[Math.floor(Math.random() * KEYS)]!;
}

export function randomValue(): Buffer {
  const from = Math.floor(Math.random() * (POOL_BYTES - VALUE_BYTES));
  return pool.subarray(from, from + VALUE_BYTES);
}

/** A client of byte strings, as a program that cares for speed would use. */
export async function openRawClient(cluster: LocalCluster): Promise<Holdfast<Buffer, Buffer>> {
  const client = new Holdfast<Buffer, Buffer>(cluster.urls, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    seams: ownSeams(),
  });
  await client.open();
  return client;
}

/** Calls without a pause, so many at a time; 100-byte random values under 16-byte random keys. */
export async function measureThroughput(
  cluster: LocalCluster,
  client: Holdfast<Buffer, Buffer>,
  plan: ThroughputPlan,
): Promise<ThroughputFigures> {
  const primary = await cluster.primary();
  const pids = [primary, ...cluster.ids.filter((id) => id !== primary)].map((id) => cluster.pid(id));
  const call =
    plan.kind === 'write' ? () => client.put(randomKey(), randomValue()) : () => client.get(randomKey());
  const latenciesMs = new Float64Array(SAMPLES_MAX);
  let count = 0;
  const syncsBefore = await cluster.metric(primary, 'holdfast_fsync_seconds_count');
  const cpuBefore = [...pids, process.pid].map(cpuMicros);
  const startedAt = performance.now();
  const endAt = startedAt + plan.seconds * 1000;
  const worker = async (): Promise<void> => {
    for (let now = performance.now(); now < endAt; ) {
      await call();
      const answeredAt = performance.now();
      latenciesMs[count++ % SAMPLES_MAX] = answeredAt - now;
      now = answeredAt;
    }
  };
  await Promise.all(Array.from({ length: plan.inFlight }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuAfter = [...pids, process.pid].map(cpuMicros);
  const syncs = (await cluster.metric(primary, 'holdfast_fsync_seconds_count')) - syncsBefore;
  const samples = [...latenciesMs.subarray(0, Math.min(count, SAMPLES_MAX))];
  return {
    plan,
    count,
    perSecond: count / seconds,
    p50Ms: quantile(samples, 0.5),
    p99Ms: quantile(samples, 0.99),
    syncsPerCall: syncs / count,
    cpuMicros: cpuAfter.map((micros, position) => (micros - (cpuBefore[position] ?? 0)) / count),
  };
}

export const THROUGHPUT_TABLE_HEAD =
  '| calls | in flight | per second | p50 ms | p99 ms | fsyncs per write | CPU µs per call: primary, standbys, client | aim per second |\n' +
  '| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |';

export function throughputRow(figures: ThroughputFigures): string {
  const { plan, perSecond, p50Ms, p99Ms, syncsPerCall } = figures;
  const what = plan.kind === 'write' ? 'writes at `quorum`' : 'linearizable reads';
  const syncs = plan.kind === 'write' ? syncsPerCall.toFixed(3) : '';
  const cpu = figures.cpuMicros.map((micros) => micros.toFixed(0)).join(', ');
  const cells = [
    what,
    plan.inFlight,
    perSecond.toFixed(0),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    syncs,
    cpu,
    plan.aimPerSecond ?? '',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** User and system time of a process so far; NaN where the kernel does not tell. */
function cpuMicros(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
