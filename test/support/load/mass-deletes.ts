import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Holdfast } from '@holdfast/client';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { waitUntil } from '../faults/wait-until.ts';
import { quantile } from './failovers.ts';

/** What puts beside it cost, milliseconds. */
interface PutLatencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

export interface MassDeleteFigures {
  readonly what: string;
  readonly keys: number;
  /** From when the first may go until all are gone. */
  readonly tookMs: number;
  readonly before: PutLatencies;
  readonly meanwhile: PutLatencies;
  /** Of the primary, MiB: before, and the most of it meanwhile. */
  readonly memoryMiB: readonly [number, number];
}

const BATCH = 1000;
const PUT_EVERY_MS = 5;
const BEFORE_MS = 5000;
const SAMPLES = 100;
const VALUE = 'x'.repeat(100);

/** So many keys, all of which are due at one moment. */
export async function measureExpiry(
  cluster: LocalCluster,
  { keys, loadMs }: { readonly keys: number; readonly loadMs: number },
): Promise<MassDeleteFigures> {
  const client = await cluster.client();
  const dueAt = performance.now() + loadMs;
  await fill(client, keys, () => dueAt - performance.now());
  return await beside(cluster, {
    what: 'expire at one moment',
    keys,
    begin: () => delay(dueAt - performance.now()),
    work: () => untilGone(client, keys),
  });
}

/** So many keys, which one `clear` deletes. */
export async function measureClear(cluster: LocalCluster, keys: number): Promise<MassDeleteFigures> {
  const client = await cluster.client({ timeoutMs: 60_000 });
  await fill(client, keys, () => undefined);
  const work = (): Promise<void> => client.clear({ gte: 'mass/', lt: 'mass0' });
  return await beside(cluster, { what: '`clear()` deletes', keys, begin: () => delay(BEFORE_MS), work });
}

async function fill(
  client: Holdfast<string, string>,
  keys: number,
  ttlMs: () => number | undefined,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(keys / BATCH) }, (_, batch) => batch);
  const writer = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const first = batch * BATCH;
      const size = Math.min(BATCH, keys - first);
      const puts = Array.from({ length: size }, (_, place) => ({
        type: 'put' as const,
        key: keyOf(first + place),
        value: VALUE,
      }));
      await client.batch(puts, { ttlMs: ttlMs(), timeoutMs: 60_000 });
    }
  };
  await Promise.all([writer(), writer(), writer(), writer()]);
}

async function untilGone(client: Holdfast<string, string>, keys: number): Promise<void> {
  const step = Math.max(1, Math.floor(keys / SAMPLES));
  let left = Array.from({ length: Math.ceil(keys / step) }, (_, place) => keyOf(place * step));
  await waitUntil(
    'all of them to be gone',
    async () => {
      const are = await client.hasMany(left);
      left = left.filter((_, place) => are[place]);
      return left.length === 0;
    },
    600_000,
  );
}

async function beside(
  cluster: LocalCluster,
  {
    what,
    keys,
    begin,
    work,
  }: { readonly what: string; readonly keys: number; begin(): Promise<unknown>; work(): Promise<void> },
): Promise<MassDeleteFigures> {
  const other = await cluster.client();
  const pid = cluster.pid(await cluster.primary());
  const calm = new PacedPuts(other);
  await begin();
  const before = await calm.stop();
  const memoryBefore = memoryMiB(pid);
  const puts = new PacedPuts(other, () => memoryMiB(pid));
  const beganAt = performance.now();
  await work();
  const tookMs = performance.now() - beganAt;
  const meanwhile = await puts.stop();
  return { what, keys, tookMs, before, meanwhile, memoryMiB: [memoryBefore, puts.most] };
}

/** Puts at fixed times, whatever becomes of those before. */
class PacedPuts {
  /** Of what was sampled with each. */
  most = 0;
  readonly #latencies: number[] = [];
  readonly #calls: Promise<void>[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(client: Holdfast<string, string>, sample: () => number = () => 0) {
    this.#timer = setInterval(() => {
      this.most = Math.max(this.most, sample());
      this.#calls.push(this.#put(client));
    }, PUT_EVERY_MS);
  }

  async stop(): Promise<PutLatencies> {
    clearInterval(this.#timer);
    await Promise.all(this.#calls);
    const all = this.#latencies;
    return {
      count: all.length,
      p50Ms: quantile(all, 0.5),
      p99Ms: quantile(all, 0.99),
      longestMs: Math.max(...all),
    };
  }

  async #put(client: Holdfast<string, string>): Promise<void> {
    const issuedAt = performance.now();
    await client.put(`other/${this.#calls.length % 1000}`, VALUE);
    this.#latencies.push(performance.now() - issuedAt);
  }
}

function keyOf(number: number): string {
  return `mass/${String(number).padStart(9, '0')}`;
}

function memoryMiB(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

export const MASS_DELETE_TABLE_HEAD =
  '| what | keys | took s | keys/s | put p50, p99, longest ms before | meanwhile | memory of the primary, MiB: before, most |\n' +
  '| --- | ---: | ---: | ---: | --- | --- | --- |';

export function massDeleteRow({
  what,
  keys,
  tookMs,
  before,
  meanwhile,
  memoryMiB,
}: MassDeleteFigures): string {
  const cells = [
    what,
    keys,
    (tookMs / 1000).toFixed(1),
    Math.round(keys / (tookMs / 1000)),
    latencies(before),
    latencies(meanwhile),
    memoryMiB.map((mebibytes) => mebibytes.toFixed(0)).join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

function latencies({ p50Ms, p99Ms, longestMs }: PutLatencies): string {
  return [p50Ms, p99Ms, longestMs].map((ms) => ms.toFixed(1)).join(', ');
}
