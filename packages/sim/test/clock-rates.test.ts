import { expect, test } from 'vitest';
import { areAlike, rateOf, ratesOf, widestOf } from '../src/cluster/clock-rates.ts';

const DRAWN = [0, 0.25, 0.5, 0.75, 0.999999];

test('clocks that keep the pace of time drift apart by no more than was said', () => {
  const rates = DRAWN.map((quartz) => rateOf({ drift: 0.02, spread: 1 }, { quartz, pace: 0.3 }));
  expect(Math.max(...rates) - Math.min(...rates)).toBeLessThan(0.02);
  expect(rates[2]).toBe(1);
});

test('others are faster as often as they are slower, and none is beyond what judges go by', () => {
  const speeds = { drift: 0.02, spread: 2 };
  const { slowest, fastest } = ratesOf(speeds);
  const rates = DRAWN.flatMap((pace) => DRAWN.map((quartz) => rateOf(speeds, { quartz, pace })));
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(slowest);
  expect(Math.max(...rates)).toBeLessThanOrEqual(fastest);
  expect([slowest, fastest]).toEqual([0.495, 2.02]);
  expect(rateOf(speeds, { quartz: 0.5, pace: 0.5 })).toBe(1);
});

test('all together are as far apart as the slowest of any and the fastest of any', () => {
  const widest = widestOf([ratesOf({ drift: 0.02, spread: 1 }), ratesOf({ drift: 0, spread: 1.05 })]);
  expect(widest).toEqual({ slowest: 1 / 1.05, fastest: 1.05 });
  expect(areAlike(widest)).toBe(false);
  expect(areAlike(ratesOf({ drift: 0.02, spread: 1.03 }))).toBe(true);
});
