import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogTime } from '../../src/state/log-time.ts';
import { check } from '../support/property.ts';

test('continues from the last entry, in whole milliseconds', () => {
  const time = new LogTime({ last: 5000, now: 123.75 });
  expect(time.at(123.75)).toBe(5000);
  expect(time.at(124.7)).toBe(5000);
  expect(time.at(124.75)).toBe(5001);
  expect(time.at(1123.75)).toBe(6000);
});

test('never goes back, and never ahead of the clock', () => {
  check(
    fc.property(fc.nat(), fc.array(fc.double({ min: 0, max: 1e9, noNaN: true })), (last, readings) => {
      const time = new LogTime({ last, now: 1e6 });
      let before = last;
      let furthest = 0;
      for (const now of readings) {
        const at = time.at(now);
        furthest = Math.max(furthest, now - 1e6);
        expect(Number.isSafeInteger(at)).toBe(true);
        expect(at).toBeGreaterThanOrEqual(before);
        expect(at - last).toBeLessThanOrEqual(furthest);
        before = at;
      }
    }),
    200,
  );
});

test('takes no start but a count of milliseconds', () => {
  expect(() => new LogTime({ last: -1, now: 0 })).toThrow('not a start');
  expect(() => new LogTime({ last: 0.5, now: 0 })).toThrow('not a start');
});
