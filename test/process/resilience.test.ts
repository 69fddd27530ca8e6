import { Holdfast, type HoldfastError, type HoldfastOptions } from '@holdfast/client';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { LocalCluster } from '../support/cluster/local-cluster.ts';
import { ownSeams } from '../support/cluster/own-seams.ts';
import { openPinnedClient } from '../support/cluster/pinned-client.ts';
import { FaultProxy } from '../support/faults/fault-proxy.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { THRESHOLDS } from '../thresholds.ts';

/** Of a node whose answers are late: longer than anything here may take that does not wait for it. */
const LATE_MS = 400;

let cluster: LocalCluster;
const proxies = new Map<string, FaultProxy>();
/** Stopped by the test that runs. */
const paused: string[] = [];

beforeAll(async () => {
  cluster = await LocalCluster.make({ advertiseOf: (id) => urlOf(id) });
  for (const id of cluster.ids) {
    const { hostname, port } = new URL(cluster.url(id));
    const proxy = new FaultProxy({ host: hostname, port: Number(port) });
    await proxy.listen();
    proxies.set(id, proxy);
  }
  await cluster.startAll();
});

afterEach(async () => {
  for (const proxy of proxies.values()) proxy.answerDelayMs = 0;
  for (const id of paused.splice(0)) cluster.resume(id);
  await cluster.caughtUp();
});

afterAll(async () => {
  await cluster.close();
  for (const proxy of proxies.values()) await proxy.close();
});

function urlOf(id: string): string {
  return `ws://127.0.0.1:${proxies.get(id)!.port}`;
}

/** One that is linked to all nodes and has seen all that was written. */
async function opened(options: HoldfastOptions<string, string> = {}): Promise<Holdfast<string, string>> {
  const db = new Holdfast<string, string>(cluster.ids.map(urlOf), { seams: ownSeams(), ...options });
  onTestFinished(() => db.close());
  await db.open();
  await waitUntil('links to all', () => db.health()?.nodes.filter(({ linked }) => linked).length === 3);
  return db;
}

/** No primary any more, and nobody to elect one: two of three stand still. When the last of them could speak. */
async function loseMajority(): Promise<number> {
  const primary = await cluster.primary();
  const [standby] = cluster.ids.filter((id) => id !== primary) as [string, string];
  // All that was written is there.
  await cluster.caughtUp();
  for (const id of [primary, standby]) {
    cluster.pause(id);
    paused.push(id);
  }
  return performance.now();
}

/** Each node knows how old what it has is: one that has just started does not yet, and says so. */
async function ageIsKnown(key: string): Promise<void> {
  for (const id of cluster.ids) {
    const pinned = await openPinnedClient(cluster.url(id), 5000);
    await waitUntil(`${id} to know its age`, async () => {
      const read = await pinned.read(key, { consistency: 'eventual' });
      return read?.staleness !== undefined;
    }).finally(() => pinned.close());
  }
}

interface End<Result> {
  readonly value: Result | undefined;
  readonly error: HoldfastError | undefined;
  readonly tookMs: number;
}

async function ended<Result>(call: Promise<Result>): Promise<End<Result>> {
  const startedAt = performance.now();
  const end = await call.then(
    (value) => ({ value, error: undefined }),
    (error: HoldfastError) => ({ value: undefined, error }),
  );
  return { ...end, tookMs: performance.now() - startedAt };
}

describe('without a primary', () => {
  test('reads that may degrade tell an older state with its age, others fail', async () => {
    const db = await opened({ degrade: 'stale-reads' });
    const strict = await opened({ timeoutMs: 1500 });
    await db.put('a', 'before');
    await ageIsKnown('a');
    const told: object[] = [];
    db.on('degraded', (detail) => told.push(detail));
    const pausedAt = await loseMajority();
    const refused = ended(strict.get('a'));
    const { value: first } = await ended(db.read('a'));
    const askedAt = performance.now();
    const { value: second, tookMs } = await ended(db.read('a'));
    for (const read of [first, second])
      expect(read).toMatchObject({ value: 'before', degraded: 'stale-read', staleness: expect.any(Number) });
    // It says no less than it is: nobody can have written, and told, since then.
    expect(second!.staleness).toBeGreaterThanOrEqual(askedAt - pausedAt);
    expect(second!.staleness).toBeGreaterThan(first!.staleness!);
    // Once the outage counts nobody waits for its end.
    expect(tookMs).toBeLessThan(THRESHOLDS.degradedReadMs.asserted);
    expect(told).toEqual(
      [first, second].map((read) => ({
        kind: 'stale-read',
        staleness: read!.staleness,
        servedBy: read!.servedBy,
      })),
    );
    expect(paused).not.toContain(second!.servedBy);
    expect(db.health()?.counters).toMatchObject({ staleReads: 2 });
    const { error } = await ended(db.read('a', { maxStalenessMs: 100 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
    expect((await refused).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
  });

  test('a fallback speaks for what cannot be read, and is told why', async () => {
    const db = await opened({ timeoutMs: 500, fallback: (error, key) => `${key}: ${error.code}` });
    await db.put('a', 'before');
    const told: object[] = [];
    db.on('degraded', (detail) => told.push(detail));
    await loseMajority();
    // Until it counts as an outage for all: asked in the moment before, a node may say that its time is over.
    await ended(db.get('a', { fallback: false, timeoutMs: 1000 }));
    expect(await db.read('a')).toMatchObject({
      value: 'a: HOLDFAST_NO_PRIMARY',
      degraded: 'fallback',
      revision: 0,
    });
    expect(await db.getMany(['a', 'b'])).toEqual(['a: HOLDFAST_NO_PRIMARY', 'b: HOLDFAST_NO_PRIMARY']);
    expect(told).toMatchObject(['a', 'a', 'b'].map((key) => ({ kind: 'fallback', key })));
    expect((await ended(db.get('a', { fallback: false }))).error).toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
    });
    // It is no help where something was to be changed.
    expect((await ended(db.put('a', 'after'))).error).toMatchObject({ outcome: 'not-applied' });
  });

  test('writes fail at once where that was chosen, and otherwise wait in a queue that is bounded', async () => {
    const failing = await opened({ whenNoPrimary: 'fail' });
    // Half of them for writes.
    const waiting = await opened({ pendingCallsMax: 20, timeoutMs: 15_000 });
    await Promise.all([failing, waiting].map((db) => db.increment('ready')));
    await loseMajority();
    // What was sent is waited for: it may have been done.
    const sent = await ended(failing.put('a', 'x', { timeoutMs: 500 }));
    expect(sent.error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
    // Until it counts as an outage.
    const first = await ended(failing.put('a', 'y'));
    expect(first.error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied' });
    const second = await ended(failing.put('a', 'y'));
    expect(second.error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied', attempts: 0 });
    expect(second.tookMs).toBeLessThan(THRESHOLDS.failFastMs.asserted);
    expect(failing.health()?.counters.failedFast).toBeGreaterThan(0);
    const calls = Array.from({ length: 15 }, () => ended(waiting.increment('waited')));
    const refused = await Promise.all(calls.slice(10));
    for (const { error } of refused)
      expect(error).toMatchObject({
        code: 'HOLDFAST_CLIENT_QUEUE_FULL',
        outcome: 'not-applied',
        attempts: 0,
      });
    expect(waiting.health()?.pending).toMatchObject({ calls: 10 });
    for (const id of paused.splice(0)) cluster.resume(id);
    for (const { error } of await Promise.all(calls.slice(0, 10))) expect(error).toBeUndefined();
    expect(await waiting.get('waited')).toBe('10');
  });
});

test('a read that the first node is late to answer has its answer from a second one', async () => {
  const db = await opened({ hedge: { afterMs: 20 } });
  await db.put('a', '1');
  await cluster.caughtUp();
  const read = (): Promise<unknown> => db.get('a', { consistency: 'eventual', readPreference: 'primary' });
  // Each allows for a twentieth of a second copy.
  for (let round = 0; round < 50; round += 1) await Promise.all(Array.from({ length: 5 }, read));
  const { hedges } = db.health()!.counters;
  proxies.get(await cluster.primary())!.answerDelayMs = LATE_MS;
  const reads: End<unknown>[] = [];
  for (let place = 0; place < 5; place += 1) reads.push(await ended(read()));
  for (const { value } of reads) expect(value).toBe('1');
  expect(Math.max(...reads.map(({ tookMs }) => tookMs))).toBeLessThan(THRESHOLDS.hedgedReadMs.asserted);
  expect(db.health()!.counters.hedges - hedges).toBe(5);
});

test('a node that is slow to answer is left out within one window, and others are asked', async () => {
  const windowMs = 1000;
  const db = await opened({ breaker: { windowMs, slowMs: 100 } });
  await db.put('a', '1');
  await cluster.caughtUp();
  const primary = await cluster.primary();
  const [slow] = cluster.ids.filter((id) => id !== primary) as [string, string];
  const feed = db.events();
  const read = (): Promise<unknown> => db.get('a', { consistency: 'eventual', readPreference: 'standby' });
  const from = performance.now();
  proxies.get(slow)!.answerDelayMs = LATE_MS;
  const reads = Array.from({ length: 40 }, () => read());
  const { value: opening } = await feed.next();
  expect(opening).toMatchObject({ event: 'breaker', detail: { node: slow, state: 'open', cause: 'slow' } });
  expect(opening!.atMs - from).toBeLessThan(windowMs);
  await Promise.all(reads);
  const later = await Promise.all(Array.from({ length: 20 }, () => ended(read())));
  // One of them may be the probe that finds out whether it is still slow.
  const slowest = later.map(({ tookMs }) => tookMs).toSorted((left, right) => right - left);
  expect(slowest[1]).toBeLessThan(LATE_MS);
  expect(db.health()?.nodes.find(({ id }) => id === slow)?.breaker).not.toBe('closed');
  proxies.get(slow)!.answerDelayMs = 0;
  await waitUntil('it to be trusted again', async () => {
    await read();
    return db.health()?.nodes.every(({ breaker }) => breaker === 'closed');
  });
});

test('a node that is asked for more than it can do refuses a part, and says when to ask again', async () => {
  const small = await LocalCluster.make({
    count: 1,
    flags: { shedQueueMs: '1ms', entryRequestsMax: '2' },
  });
  onTestFinished(() => small.close());
  await small.startAll();
  const [id] = small.ids as [string];
  // Without repeats: what a node says is what callers are told.
  const db = await small.client({ retry: { budgetMax: 0 }, timeoutMs: 1000 });
  const refused: HoldfastError[] = [];
  let done = 0;
  const work = async (worker: number): Promise<void> => {
    while (refused.length < 20) {
      const { error } = await ended(db.increment(`n${worker}`));
      if (error === undefined) done += 1;
      else refused.push(error);
    }
  };
  const workers = Array.from({ length: 400 }, (_, worker) => work(worker));
  await small.until(id, 'to refuse some', ({ shedding }) => shedding.writes > 0);
  await Promise.all(workers);
  for (const error of refused)
    expect(error).toMatchObject({
      code: 'HOLDFAST_OVERLOADED',
      outcome: 'not-applied',
      retryAfterMs: expect.any(Number),
    });
  // What was refused was never begun, and what was not is done.
  const counts = await db.getMany(Array.from({ length: 400 }, (_, worker) => `n${worker}`));
  expect(counts.reduce((sum, count) => sum + Number(count ?? 0), 0)).toBe(done);
});
