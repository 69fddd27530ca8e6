import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { type Interval, Storm } from '../support/load/storm.ts';
import { THRESHOLDS } from '../thresholds.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const CLIENTS = 200;
const EVERY_MS = 100;
const OUTAGE_MS = 5000;
const ROUNDS = isLong ? 3 : 1;
const BEFORE_MS = isLong ? 3000 : 1000;
const AFTER_MS = isLong ? 8000 : 4000;
const BACK_WITHIN_MS = 1000;
const BACK_FOR_MS = 2000;
/** More than so much of what is offered is beyond what a cluster has to bear for long. */
const SHARE_MAX = 1.5;

test(
  '200 clients do not storm a cluster that had no majority for five seconds',
  async () => {
    const cluster = await startTestCluster({ rehearses: true });
    const storm = await Storm.open(cluster, { clients: CLIENTS, everyMs: EVERY_MS });
    storm.begin();
    for (let round = 0; round < ROUNDS; round += 1) {
      await storm.goOnFor(BEFORE_MS);
      const lostAt = storm.now;
      const releasedBefore = storm.released.length;
      // All nodes live, and none hears another.
      await Promise.all(cluster.ids.map((id) => cluster.order(id, { peers: 'silent' })));
      await storm.goOnFor(OUTAGE_MS);
      await Promise.all(cluster.ids.map((id) => cluster.order(id, { peers: 'none' })));
      await cluster.primary();
      const backAt = storm.now;
      await storm.goOnFor(AFTER_MS);
      judge(storm, { lostAt, backAt, released: storm.released.slice(releasedBefore) });
    }
    await storm.end();
    await storm.close();
  },
  isLong ? 180_000 : 90_000,
);

/**
 * The most that came at once beyond the share, in calls of a tenth of a second. What this process could not send in
 * time comes in one go afterwards, and is no storm.
 */
function burstOf(intervals: readonly Interval[], offered: number, what: 'operations' | 'frames'): number {
  let level = 0;
  let largest = 0;
  for (const interval of intervals) {
    level = Math.max(0, level + interval[what] - (SHARE_MAX * offered * interval.ms) / 100);
    largest = Math.max(largest, level);
  }
  return largest / offered;
}

/** The most in any stretch of so long, of times in order. */
function mostWithin(ms: number, times: readonly number[]): number {
  let first = 0;
  let most = 0;
  for (const [last, time] of times.entries()) {
    while (time - times[first]! > ms) first += 1;
    most = Math.max(most, last + 1 - first);
  }
  return most;
}

function judge(
  storm: Storm,
  { lostAt, backAt, released }: { lostAt: number; backAt: number; released: readonly number[] },
): void {
  const { offered, intervals, failed } = storm;
  const duringAndAfter = intervals.filter(({ at }) => at >= lostAt);
  const operations = burstOf(duringAndAfter, offered, 'operations');
  const frames = burstOf(duringAndAfter, offered, 'frames');
  const back = intervals.filter(
    ({ at }) => at >= backAt + BACK_WITHIN_MS && at < backAt + BACK_WITHIN_MS + BACK_FOR_MS,
  );
  const issued = back.reduce((sum, interval) => sum + interval.issued, 0);
  const goodput = back.reduce((sum, interval) => sum + storm.promptOf(interval), 0) / issued;
  // The first of those that waited are spread over a tenth of the outage, and the others let go little by little: all of them
  // together are some 50 tenths of a second of calls, of which 43 were answered at once when they went at once.
  const atOnce = mostWithin(OUTAGE_MS / 10, released) / offered;
  console.log(
    `no majority for ${OUTAGE_MS / 1000} s, ${offered} calls offered in a tenth of a second: beyond ${SHARE_MAX} times that ` +
      `at once at most ${operations.toFixed(2)} of it in operations, ${frames.toFixed(2)} in frames; ` +
      `goodput of new calls a second after ${goodput.toFixed(3)}; ${released.length} that waited were answered, ` +
      `at most ${atOnce.toFixed(2)} of it within a tenth of the outage; ` +
      `failed: ${[...failed].map(([code, count]) => `${count} ${code}`).join(', ')}`,
  );
  expect(operations).toBeLessThan(THRESHOLDS.stormBurst.asserted);
  expect(frames).toBeLessThan(THRESHOLDS.stormBurst.asserted);
  expect(goodput).toBeGreaterThan(THRESHOLDS.goodputAfterStorm.asserted);
  expect(released.length).toBeGreaterThan(offered);
  expect(atOnce).toBeLessThan(THRESHOLDS.releasedAtOnce.asserted);
}
