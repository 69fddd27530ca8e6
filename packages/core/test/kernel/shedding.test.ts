import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Shedding } from '../../src/kernel/shedding.ts';
import { check } from '../support/property.ts';

const LIMITS = { shedQueueMs: 100, shedLoopMs: 50 };
const TICK_MS = 10;

interface Outcome {
  readonly offered: number;
  readonly refused: number;
  readonly served: number;
  readonly longestQueue: number;
  /** Share refused in each second. */
  readonly shares: readonly number[];
}

/** A queue that serves `capacity` requests a millisecond, asked for `offered(at)` a millisecond. */
function simulate(options: { capacity: number; offered: (atMs: number) => number; forMs: number }): Outcome {
  const { capacity, offered, forMs } = options;
  const shedding = new Shedding(LIMITS, 0);
  let [queue, credit, owed, done] = [0, 0, 0, 0];
  const total = { offered: 0, refused: 0, served: 0, longestQueue: 0 };
  const shares: number[] = [];
  for (let now = 1; now <= forMs; now += 1) {
    if (now % TICK_MS === 0) {
      shedding.tick(now, 0);
      shedding.queued({ waiting: queue, done });
      done = 0;
    }
    if (now % 1000 === 0) shares.push(shedding.writeShare);
    owed += offered(now);
    for (; owed >= 1; owed -= 1) {
      total.offered += 1;
      if (shedding.refusesWrite() !== undefined) {
        total.refused += 1;
        continue;
      }
      queue += 1;
    }
    credit = queue === 0 ? 0 : credit + capacity;
    for (; credit >= 1 && queue > 0; credit -= 1) {
      queue -= 1;
      done += 1;
      total.served += 1;
    }
    total.longestQueue = Math.max(total.longestQueue, queue);
  }
  return { ...total, shares };
}

describe('load beyond what can be done', () => {
  test('is refused in part: the queue stays short, and what can be done is done', () => {
    const { served, longestQueue, refused } = simulate({ capacity: 5, offered: () => 15, forMs: 60_000 });
    expect(served / (5 * 60_000)).toBeGreaterThan(0.9);
    // Without refusals it would be 600 000.
    expect(longestQueue).toBeLessThan(5 * 2500);
    expect(refused).toBeGreaterThan(300_000);
  });

  test('is refused whatever it is, up to eight times the capacity', () => {
    check(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.double({ min: 1.2, max: 8, noNaN: true }),
        (capacity, times) => {
          const { served, longestQueue } = simulate({
            capacity,
            offered: () => capacity * times,
            forMs: 20_000,
          });
          expect(served / (capacity * 20_000)).toBeGreaterThan(0.85);
          // Judged for the first time after two intervals: a second of what comes beyond what is done.
          expect(longestQueue / capacity).toBeLessThan(8000);
        },
      ),
      12,
    );
  });

  test('ends, and so do the refusals', () => {
    const { shares } = simulate({
      capacity: 5,
      offered: (at) => (at < 5000 ? 20 : 3),
      forMs: 20_000,
    });
    expect(Math.max(...shares)).toBeGreaterThan(0.5);
    expect(shares.at(-1)).toBe(0);
  });
});

test('what can be done is never refused, bursts included', () => {
  check(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 1, max: 300 }), (capacity, burstMs) => {
      // Once a second as much at once as takes up to 300 ms to do.
      const offered = (at: number): number => (at % 1000 === 1 ? capacity * burstMs : capacity / 2);
      expect(simulate({ capacity, offered, forMs: 10_000 }).refused).toBe(0);
    }),
    12,
  );
});

describe('a late event loop', () => {
  function after(lateMs: readonly number[]): Shedding {
    const shedding = new Shedding(LIMITS, 0);
    let now = 0;
    for (const late of lateMs) {
      now += TICK_MS + late;
      shedding.tick(now, late);
    }
    return shedding;
  }

  test('has reads refused, range reads before others', () => {
    const shedding = after(Array.from({ length: 7 }, () => 90));
    expect(shedding.readShare).toBeCloseTo(0.1);
    const refused = (weight: number): number =>
      Array.from({ length: 1000 }, () => shedding.refusesRead(weight)).filter(Boolean).length;
    expect(refused(1)).toBeCloseTo(100, -1);
    expect(refused(2)).toBeCloseTo(200, -1);
    expect(shedding.refusesRead(1) ?? shedding.refusesRead(20) ?? shedding.refusesRead(20)).toMatchObject({
      code: 'HOLDFAST_OVERLOADED',
      outcome: 'not-applied',
      retryAfterMs: 100,
    });
  });

  test('stopped once, however long, has nothing refused', () => {
    expect(after([0, 0, 5000, 0, 0]).readShare).toBe(0);
    expect(after([5000]).readShare).toBe(0);
  });

  test('between half the bound and the bound what is refused stays as it is', () => {
    const late = (ms: number): number[] => Array.from({ length: 30 }, () => ms);
    const share = after(late(90)).writeShare;
    expect(after([...late(90), ...late(40)]).writeShare).toBeGreaterThanOrEqual(share);
    const calm = Array.from({ length: 12 }, () => late(0)).flat();
    expect(after([...late(90), ...calm]).writeShare).toBe(0);
  });
});
