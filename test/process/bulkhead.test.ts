import { join } from 'node:path';
import { Holdfast } from '@holdfast/client';
import { loadConfig, Node, systemSeams } from '@holdfast/server';
import { HoldfastError } from '@holdfast/types';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../support/cluster/free-ports.ts';
import { StuckScans } from '../support/faults/stuck-scans.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { THRESHOLDS } from '../thresholds.ts';

const WAITING_MAX = 8;
const ROUNDS = 15;
const PUTS_A_ROUND = 240;
const PUTS_AT_ONCE = 4;

interface Place {
  readonly node: Node;
  readonly db: Holdfast;
  readonly scans: StuckScans;
}

/** One node in this process, so that its threads are those of this process: four. */
async function start(scansRunningMax: number): Promise<Place> {
  const directory = temporaryDirectory();
  const [port] = await freePorts(1);
  const url = `127.0.0.1:${port}`;
  const { config } = loadConfig({
    flags: {
      id: 'n1',
      data: join(directory, 'n1'),
      listen: url,
      peers: `n1=ws://${url}`,
      logLevel: 'silent',
      scansRunningMax: String(scansRunningMax),
      scansWaitingMax: String(WAITING_MAX),
      // The disk is stuck on purpose for as long as a test likes.
      persistStallMaxMs: '60s',
    },
  });
  const scans = new StuckScans(join(directory, 'pipe'));
  const node = await Node.start(config, { ...systemSeams(), storeLocation: scans.location });
  const db = new Holdfast(`ws://${url}`);
  onTestFinished(async () => {
    scans.release();
    await db.close();
    await node.stop();
  });
  await db.batch([
    { type: 'put', key: 'a', value: '1' },
    { type: 'put', key: 'b', value: '2' },
  ]);
  return { node, db, scans };
}

/** Milliseconds of each. */
async function timePuts(db: Holdfast): Promise<number[]> {
  const durations: number[] = [];
  const work = async (worker: number): Promise<void> => {
    for (let put = 0; put < PUTS_A_ROUND / PUTS_AT_ONCE; put += 1) {
      const startedAt = performance.now();
      await db.put(`put/${worker}`, String(put));
      durations.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, (_, worker) => work(worker)));
  return durations;
}

function percentile(durations: readonly number[], share: number): number {
  return durations.toSorted((left, right) => left - right)[Math.floor(durations.length * share)]!;
}

/** A disk that was slow for a moment was so in one round. */
function typical(rounds: readonly (readonly number[])[], share: number): number {
  return percentile(
    rounds.map((durations) => percentile(durations, share)),
    0.5,
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof HoldfastError ? error.code : String(error);
}

test('range reads that fill their lane at the disk leave puts as fast as they are', async () => {
  const { node, db, scans } = await start(2);
  await timePuts(db);
  const free: number[][] = [];
  const beside: number[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    free.push(await timePuts(db));
    scans.stick();
    const ranges = Array.from({ length: 2 + WAITING_MAX }, () => db.keys({ gte: 'a', lte: 'b' }).all());
    await waitUntil('the lane to be full', () => {
      const { running, waiting } = node.status().lanes.scans;
      return running === 2 && waiting === WAITING_MAX;
    });
    // The same client writes: its writes do not wait for the pages that do not come.
    beside.push(await timePuts(db));
    expect(await db.get('put/0')).toBeDefined();
    if (round === 0) {
      expect(await codeOf(Promise.all([db.keys().all(), db.put('c', 'after')]))).toBe('HOLDFAST_OVERLOADED');
      expect(node.status().lanes.scans.refused).toBeGreaterThan(0);
      expect(db.health()?.nodes[0]?.breaker).toBe('closed');
    }
    scans.release();
    // They read the state of when they were made, however late the disk answered.
    expect(await Promise.all(ranges)).toEqual(ranges.map(() => ['a', 'b']));
  }
  const [normal, stuck] = [typical(free, 0.99), typical(beside, 0.99)];
  console.log(
    `put p50 ${typical(free, 0.5).toFixed(2)} ms, p99 ${normal.toFixed(2)} ms; ` +
      `beside stuck range reads p50 ${typical(beside, 0.5).toFixed(2)} ms, p99 ${stuck.toFixed(2)} ms`,
  );
  expect(stuck / normal).toBeLessThan(THRESHOLDS.putBesideStuckScans.asserted);
});

test('what the lane is for: without it the log waits for the same threads', async () => {
  const { node, db, scans } = await start(8);
  scans.stick();
  const ranges = Array.from({ length: 8 }, () => db.keys({ gte: 'a', lte: 'b' }).all());
  await waitUntil('the threads to be taken', () => node.status().lanes.scans.running === 8);
  expect(await codeOf(db.put('c', '3', { timeoutMs: 300 }))).toBe('HOLDFAST_DEADLINE_EXCEEDED');
  scans.release();
  expect(await Promise.all(ranges)).toEqual(ranges.map(() => ['a', 'b']));
});
