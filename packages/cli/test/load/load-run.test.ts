import { HoldfastError } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { Latencies } from '../../src/load/latencies.ts';
import { type LoadEvent, LoadRun, type LoadTotals, writersFor } from '../../src/load/load-run.ts';
import { Pacer } from '../../src/load/pacer.ts';
import type { Database } from '../../src/open-database.ts';

it('takes percentiles', () => {
  const latencies = new Latencies();
  expect(latencies.percentile(0.5)).toBeUndefined();
  for (let ms = 1; ms <= 100; ms += 1) latencies.add(ms);
  expect([0, 0.5, 0.99, 1].map((share) => latencies.percentile(share))).toEqual([1, 50, 99, 100]);
});

describe('the pacer', () => {
  it('keeps the rate, whoever asks and however late', () => {
    const pacer = new Pacer(100, 1000);
    expect([pacer.next(1000), pacer.next(1000), pacer.next(1500)]).toEqual([1000, 1010, 1020]);
    expect(pacer.skipped).toBe(0);
  });

  it('lets go what lies too far back, and counts it', () => {
    const pacer = new Pacer(100, 1000);
    expect(pacer.next(3005)).toBe(3000);
    expect(pacer.skipped).toBe(200);
  });
});

/** Writes that do what the test says. */
class FakeDatabase {
  readonly records = new Map<string, { value: Buffer; revision: number }>();
  readonly fate: (write: number) => 'ok' | 'refused' | 'unknown' | 'lost';
  writes = 0;

  constructor(fate: (write: number) => 'ok' | 'refused' | 'unknown' | 'lost') {
    this.fate = fate;
  }

  async write([operation]: { key: Buffer; value: Buffer }[]): Promise<object> {
    this.writes += 1;
    const fate = this.fate(this.writes);
    if (fate === 'refused') throw new HoldfastError('HOLDFAST_OVERLOADED', 'full');
    if (fate === 'unknown') throw new HoldfastError('HOLDFAST_DEADLINE_EXCEEDED', 'late');
    const { key, value } = operation as { key: Buffer; value: Buffer };
    if (fate === 'ok') this.records.set(key.toString(), { value, revision: this.writes });
    return { revision: this.writes, ack: 'quorum' };
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    return this.records.get(key.toString())?.value;
  }

  async read(key: Buffer): Promise<object | undefined> {
    return this.records.get(key.toString());
  }
}

const options = { rate: 1000, writers: 4, ack: undefined, valueBytes: 8, gapMs: 10_000, prefix: 'load/' };

async function runUntil(
  database: FakeDatabase,
  writes: number,
  events: LoadEvent[] = [],
  given = options,
): Promise<{ run: LoadRun; totals: LoadTotals }> {
  let stop = (): void => {};
  const over = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const run = new LoadRun(database as unknown as Database, given, (event) => events.push(event));
  const watched = database.write.bind(database);
  database.write = (operations) => {
    if (database.writes >= writes) stop();
    return watched(operations);
  };
  return { run, totals: await run.run(over) };
}

it.each([
  [1, 4],
  [200, 20],
  [500, 50],
  [100_000, 256],
])('a rate of %i has %i writers', (rate, writers) => expect(writersFor(rate)).toBe(writers));

describe('what a load measures', () => {
  const LATENCY_MS = 30;
  const CONNECTING_MS = 400;
  const WRITES = 120;

  /** Every write takes its time; the first waits for the client to connect as well. */
  class SlowDatabase extends FakeDatabase {
    constructor() {
      super(() => 'ok');
    }

    override async write(operations: { key: Buffer; value: Buffer }[]): Promise<object> {
      const delayMs = this.writes === 0 ? CONNECTING_MS : LATENCY_MS;
      const answer = await super.write(operations);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      return answer;
    }
  }

  async function measure(writers: number): Promise<LoadTotals> {
    const given = { ...options, rate: 500, writers };
    return (await runUntil(new SlowDatabase(), WRITES, [], given)).totals;
  }

  it('is what each write takes, and not how long it connects or waits for a writer', async () => {
    const { writes, skipped } = await measure(writersFor(500));
    expect(skipped).toBe(0);
    expect(writes.p50Ms).toBeGreaterThanOrEqual(LATENCY_MS - 1);
    expect(writes.p50Ms).toBeLessThan(CONNECTING_MS / 2);
  });

  it('is the line before the writers as well, where somebody wants few', async () => {
    const { writes } = await measure(4);
    expect(writes.p50Ms).toBeGreaterThan(3 * LATENCY_MS);
  });
});

describe('the account of a load', () => {
  it('finds all that was acknowledged', async () => {
    const events: LoadEvent[] = [];
    const database = new FakeDatabase((write) => (write === 3 ? 'refused' : write === 4 ? 'unknown' : 'ok'));
    const { run } = await runUntil(database, 20, events);
    const result = await run.account([]);
    expect(result).toMatchObject({ ok: true, failed: 1, unknown: 1, fates: { lost: 0 } });
    expect(result.fates.survived).toBe(database.writes - 2);
    expect(events.filter(({ kind }) => kind === 'error')).toHaveLength(2);
  });

  it('finds what is missing', async () => {
    const { run } = await runUntil(new FakeDatabase((write) => (write === 5 ? 'lost' : 'ok')), 20);
    const result = await run.account([]);
    expect(result.ok).toBe(false);
    expect(result.fates.lost).toBe(1);
  });
});
