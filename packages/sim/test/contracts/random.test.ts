import { describe, expect, it } from 'vitest';
import { WORLDS } from './worlds.ts';

describe.each(WORLDS)('Random, $name', ({ open }) => {
  it('gives fractions in [0, 1), spread evenly', async () => {
    const { random, close } = await open();
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 20_000; draw++) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
      buckets[Math.floor(value * 10)]!++;
    }
    // 2000 expected in each; six standard deviations are 255.
    for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(255);
    await close();
  });

  it('gives as many bytes as asked, each value possible at each place', async () => {
    const { random, close } = await open();
    for (const length of [0, 1, 3, 16, 80_000]) expect(random.bytes(length)).toHaveLength(length);
    const large = random.bytes(80_000);
    expect(new Set(large).size).toBe(256);
    expect(new Set(large.subarray(65_536)).size).toBe(256);
    expect(random.bytes(16)).not.toEqual(random.bytes(16));
    await close();
  });
});
