import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WORLDS, type World } from './worlds.ts';

describe.each(WORLDS)('Clock, $name', ({ open }) => {
  let world: World;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  it('calls back once, and not before the delay is over', async () => {
    const { clock } = world;
    for (const delayMs of [0, 0.4, 1, 3.7, 12]) {
      const start = clock.now();
      const calls: number[] = [];
      clock.setTimer(delayMs, () => calls.push(clock.now()));
      expect(calls).toEqual([]);
      await world.until(() => calls.length > 0);
      expect(calls[0]!).toBeGreaterThanOrEqual(start + delayMs);
      expect(calls).toHaveLength(1);
    }
  });

  it('takes a delay in the past for none', async () => {
    let calls = 0;
    world.clock.setTimer(-5, () => calls++);
    expect(calls).toBe(0);
    await world.until(() => calls === 1);
  });

  it('fires in the order of the due times', async () => {
    const order: string[] = [];
    world.clock.setTimer(20, () => order.push('late'));
    world.clock.setTimer(1, () => order.push('soon'));
    world.clock.setTimer(10, () => order.push('middle'));
    await world.until(() => order.length === 3);
    expect(order).toEqual(['soon', 'middle', 'late']);
  });

  it('does not call a cancelled timer, and bears a cancel after the end', async () => {
    const fired: string[] = [];
    const cancelled = world.clock.setTimer(1, () => fired.push('cancelled'));
    const other = world.clock.setTimer(5, () => fired.push('other'));
    cancelled.cancel();
    cancelled.cancel();
    await world.until(() => fired.length > 0);
    other.cancel();
    expect(fired).toEqual(['other']);
  });

  it('bears delays beyond what the platform counts', async () => {
    let early = false;
    const timer = world.clock.setTimer(2 ** 33, () => {
      early = true;
    });
    let later = false;
    world.clock.setTimer(5, () => {
      later = true;
    });
    await world.until(() => later);
    expect(early).toBe(false);
    timer.cancel();
  });

  it('goes forwards only, and knows a wall time after 2020', async () => {
    let last = world.clock.now();
    for (let turn = 0; turn < 100; turn++) {
      const now = world.clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(world.clock.wallTime()).toBeGreaterThan(Date.UTC(2020, 0, 1));
  });
});
