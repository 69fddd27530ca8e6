import { describe, expect, it } from 'vitest';
import { SimClock, SimRandom } from '../src/index.ts';

describe('SimClock', () => {
  it('stands still until it is told to go', async () => {
    const clock = new SimClock({ startMs: 1000, wallStartMs: 5000 });
    expect([clock.now(), clock.wallTime()]).toEqual([1000, 5000]);
    await clock.settle();
    expect(clock.now()).toBe(1000);
    await clock.advance(250.5);
    expect([clock.now(), clock.wallTime()]).toEqual([1250.5, 5250.5]);
    clock.shiftWallTime(-3_600_000);
    expect([clock.now(), clock.wallTime()]).toEqual([1250.5, 5250.5 - 3_600_000]);
  });

  it('fires timers at their times, those of one moment in the order they were set', async () => {
    const clock = new SimClock();
    const fired: string[] = [];
    for (const [name, delayMs] of [
      ['c', 5],
      ['a', 3],
      ['b', 3],
      ['e', 9],
      ['d', 5],
    ] as const)
      clock.setTimer(delayMs, () => fired.push(`${name}@${clock.now()}`));
    await clock.advance(5);
    expect(fired).toEqual(['a@3', 'b@3', 'c@5', 'd@5']);
    expect(clock.timerCount).toBe(1);
  });

  it('keeps a thousand timers in order, with every third cancelled', async () => {
    const clock = new SimClock();
    const random = new SimRandom(5);
    const fired: number[] = [];
    const expected: number[] = [];
    for (let number = 0; number < 1000; number++) {
      const delayMs = Math.floor(random.next() * 100);
      const timer = clock.setTimer(delayMs, () => fired.push(delayMs * 1000 + number));
      if (number % 3 === 0) timer.cancel();
      else expected.push(delayMs * 1000 + number);
    }
    expect(clock.timerCount).toBe(expected.length);
    await clock.advance(100);
    expect(fired).toEqual(expected.sort((one, other) => one - other));
  });

  it('runs all that a timer made runnable, however deep, before the next', async () => {
    const clock = new SimClock();
    const order: string[] = [];
    clock.setTimer(1, async () => {
      for (let depth = 0; depth < 1000; depth++) await Promise.resolve();
      order.push('first, to its end');
      clock.setTimer(0, () => order.push('set by the first, due now'));
    });
    clock.setTimer(1, () => order.push('second'));
    clock.setTimer(2, () => order.push('later'));
    await clock.advance(10);
    expect(order).toEqual(['first, to its end', 'second', 'set by the first, due now', 'later']);
  });

  it('drives a promise to its end', async () => {
    const clock = new SimClock();
    const sleep = (delayMs: number) => new Promise<void>((resolve) => clock.setTimer(delayMs, resolve));
    const work = async (): Promise<string> => {
      await sleep(10);
      await sleep(20);
      return 'done';
    };
    expect(await clock.drive(work())).toBe('done');
    expect(clock.now()).toBe(30);
    await expect(clock.drive(Promise.reject(new Error('as it was')))).rejects.toThrow('as it was');
  });

  it('lets several let time pass at once, in one order, and never goes back', async () => {
    const clock = new SimClock();
    const fired: number[] = [];
    for (const due of [5, 20, 40, 70]) clock.setTimer(due, () => fired.push(clock.now()));
    const seen: number[] = [];
    const advance = async (byMs: number): Promise<void> => {
      await clock.advance(byMs);
      seen.push(clock.now());
    };
    await Promise.all([advance(10), advance(60), clock.drive(advance(30))]);
    expect(fired).toEqual([5, 20, 40]);
    expect(seen).toEqual([...seen].sort((one, other) => one - other));
    expect(clock.now()).toBe(60);
    await clock.advance(10);
    expect(fired).toEqual([5, 20, 40, 70]);
  });

  it('says why a condition never came true', async () => {
    const clock = new SimClock();
    await expect(clock.runUntil(() => false)).rejects.toThrow(/no timer is left/);
    const again = (): void => {
      clock.setTimer(10, again);
    };
    again();
    await expect(clock.runUntil(() => false, { limitMs: 100 })).rejects.toThrow(/100 ms have passed/);
  });
});

describe('SimRandom', () => {
  it('repeats itself for a seed, on every machine', () => {
    const random = new SimRandom(42);
    const drawn = [
      random.next(),
      random.next(),
      Buffer.from(random.bytes(6)).toString('hex'),
      random.fork().next(),
    ];
    expect(drawn).toMatchInlineSnapshot(`
      [
        0.15377165265745885,
        0.018084542542176507,
        "9c97ee8865e2",
        0.2764900814567305,
      ]
    `);
  });

  it('differs for neighbouring seeds and for seeds that differ above 32 bits', () => {
    const firsts = [0, 1, 2, -1, 2 ** 32, 2 ** 33, 2 ** 52 + 1].map((seed) => new SimRandom(seed).next());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('forks generators that do not disturb each other', () => {
    const one = new SimRandom(9);
    const other = new SimRandom(9);
    const forked = one.fork();
    other.fork();
    for (let draw = 0; draw < 5; draw++) forked.next();
    expect(one.next()).toBe(other.next());
    expect(forked.next()).not.toBe(one.next());
  });
});
