import { SimRandom } from '@holdfast/sim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Consistency, Holdfast, HoldfastOptions } from '../../src/index.ts';
import { Hedges } from '../../src/resilience/hedges.ts';
import { LatencyWindow } from '../../src/resilience/latency-window.ts';
import { RESILIENCE_LIMITS } from '../../src/resilience/resilience-limits.ts';
import { RetryBudget } from '../../src/resilience/retry-budget.ts';
import { wireError } from '../support/fake-cluster.ts';
import { World } from '../support/world.ts';

describe('the window of latencies', () => {
  test('tells a percentile of the newest ones, once it knows enough', () => {
    const window = new LatencyWindow(95);
    for (let latency = 1; latency < 50; latency += 1) window.add(latency);
    expect(window.value).toBeUndefined();
    window.add(50);
    expect(window.value).toBe(48);
    for (let sample = 0; sample < 1000; sample += 1) window.add(7);
    expect(window.value).toBe(7);
  });
});

describe('who may be hedged', () => {
  const read = (sentAt: number) => ({ settled: false, isUnderWay: true, sentAt });
  const hedges = (given: object) =>
    new Hedges({ ...RESILIENCE_LIMITS.hedge, ...given }, new RetryBudget(RESILIENCE_LIMITS.retry, 0));

  test('nobody by default', () => {
    const off = hedges({});
    expect(off.isOn).toBe(false);
    off.sent(read(0), 0);
    expect(off.due(1e9)).toEqual([]);
    expect(off.dueAt).toBeUndefined();
  });

  test('who has waited for as long as was said, and was neither answered nor asked again', () => {
    const some = hedges({ afterMs: 10, shareMax: 1 });
    const [slow, answered, again, refused] = [read(0), read(0), read(0), read(0)];
    for (const call of [slow, answered, again, refused]) some.sent(call, 0);
    expect(some.dueAt).toBe(10);
    answered.settled = true;
    again.sentAt = 5;
    refused.isUnderWay = false;
    expect(some.due(9)).toEqual([]);
    expect(some.due(10)).toEqual([slow]);
    expect(some.due(20)).toEqual([]);
    expect(some.dueAt).toBeUndefined();
  });

  test('a twentieth of all, and ten at once', () => {
    const some = hedges({ afterMs: 10 });
    let count = 0;
    for (let now = 0; now < 1000; now += 1) {
      some.sent(read(now), now);
      for (const _ of some.due(now)) {
        some.hedged();
        count += 1;
      }
      expect(count).toBeLessThanOrEqual(0.05 * (now + 1));
    }
    expect(count).toBeGreaterThan(40);
    const others = hedges({ afterMs: 10 });
    for (let now = 0; now < 1000; now += 1) others.sent({ ...read(now), settled: true }, now);
    for (let more = 0; more < 20; more += 1) others.sent(read(1000), 1000);
    expect(others.due(1010)).toHaveLength(10);
  });
});

let world: World;

beforeEach(async () => {
  world = await World.start();
  world.cluster.standbysAsk = true;
});

afterEach(() => {
  world.kill('app');
});

async function stored(options: HoldfastOptions<string, string>): Promise<Holdfast> {
  const db = await world.opened(options);
  await world.drive(db.put('a', '1'));
  return db;
}

/** So many reads, one a millisecond, of which the primary answers one in fifty 100 ms late. */
async function tail(
  hedge: HoldfastOptions<string, string>['hedge'],
  consistency: Consistency,
): Promise<{ p50: number; p99: number; db: Holdfast; asked: number }> {
  const db = await stored({ hedge });
  const random = new SimRandom(5);
  world.cluster.onRead = ({ id }) => (id === 'n1' && random.next() < 0.02 ? 'late' : undefined);
  const before = world.cluster.nodes.reduce((sum, { requests }) => sum + requests, 0);
  const latencies: number[] = [];
  const reads: Promise<unknown>[] = [];
  for (let issued = 0; issued < 3000; issued += 1) {
    reads.push(world.timed(db.get('a', { consistency })).then(({ ms }) => latencies.push(ms)));
    await world.clock.advance(1);
    if (issued % 100 === 0) world.cluster.node('n1').answerLate();
  }
  await world.clock.advance(100);
  world.cluster.node('n1').answerLate();
  await world.drive(Promise.all(reads));
  latencies.sort((left, right) => left - right);
  const asked = world.cluster.nodes.reduce((sum, { requests }) => sum + requests, 0) - before;
  return { p50: latencies[1500]!, p99: latencies[2970]!, db, asked };
}

describe('a node that is slow now and then', () => {
  test.each<[string, Consistency, object]>([
    ['after so long', 'eventual', { afterMs: 8 }],
    ['after longer than most take', 'session', { percentile: 95 }],
    ['and the primary is asked for through others', 'linearizable', { percentile: 97 }],
  ])('does not make the tail when others are asked as well: %s', async (_, consistency, hedge) => {
    const without = await tail(undefined, consistency);
    expect(without.p99).toBeGreaterThan(30);
    expect(without.asked).toBe(3000);
    world.kill('app');
    world = await World.start();
    world.cluster.standbysAsk = true;
    const hedged = await tail(hedge, consistency);
    expect(hedged.p50).toBe(without.p50);
    expect(hedged.p99).toBeLessThan(15);
    expect(hedged.asked).toBeLessThanOrEqual(1.05 * 3000);
    const { hedges, hedgesWon, attempts } = hedged.db.health()!.counters;
    expect(hedges).toBeGreaterThan(30);
    expect(hedgesWon).toBeGreaterThan(30);
    expect(hedged.asked).toBe(3000 + hedges);
    expect(attempts).toBe(3000 + hedges + 1);
    // Those that won brought their token back.
    expect(hedged.db.health()!.retryBudget).toBeGreaterThan(40);
  });
});

describe('of two copies', () => {
  /** Every read may be hedged. */
  const hedge = { afterMs: 5, shareMax: 1 };

  test('the second takes the place of a first that is not answered, or lost', async () => {
    const db = await stored({ hedge });
    world.cluster.onRead = ({ id }) => (id === 'n1' ? 'drop' : undefined);
    expect((await world.timed(db.get('a'))).ms).toBeLessThan(12);
    // The first is lost with its link while the second is under way.
    world.cluster.onRead = ({ id }) => (id === 'n1' ? 'drop' : 'late');
    const lost = world.timed(db.get('a', { consistency: 'eventual' }));
    await world.clock.advance(10);
    world.kill('n1');
    await world.clock.advance(5);
    for (const node of world.cluster.nodes) node.answerLate();
    expect(await lost).toMatchObject({ value: '1' });
    expect(db.health()?.counters).toMatchObject({ hedges: 2, hedgesWon: 1, retries: 0 });
  });

  test('a second that is refused, or lost, leaves the first as it was', async () => {
    const db = await stored({ hedge });
    world.cluster.onRead = ({ id }) => (id === 'n1' ? 'late' : wireError('HOLDFAST_NOT_PRIMARY'));
    const read = world.timed(db.get('a'));
    await world.clock.advance(20);
    world.cluster.node('n1').answerLate();
    expect(await read).toMatchObject({ value: '1' });
    world.cluster.onRead = () => 'late';
    const other = world.timed(db.get('a'));
    await world.clock.advance(20);
    world.kill('n2');
    world.kill('n3');
    await world.clock.advance(5);
    world.cluster.node('n1').answerLate();
    expect(await other).toMatchObject({ value: '1' });
    expect(db.health()?.counters).toMatchObject({ hedges: 2, hedgesWon: 0, retries: 0 });
  });

  test('a second that is refused by a node out of its cluster is the last one that it is sent', async () => {
    const db = await stored({ hedge });
    let refusals = 0;
    world.cluster.onRead = ({ id }) => {
      if (id !== 'n2') return id === 'n1' ? 'drop' : undefined;
      refusals += 1;
      return wireError('HOLDFAST_DISK_WENT_BACK', { retryable: true });
    };
    const reads = Array.from({ length: 8 }, async (_, place) => {
      await new Promise<void>((resolve) => world.clock.setTimer(place * 50, resolve));
      return db.get('a', { consistency: 'eventual', timeoutMs: 500 });
    });
    const values = await world.drive(Promise.allSettled(reads));
    expect(refusals).toBe(1);
    expect(values.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(6);
  });

  test('there is no second of what was refused and waits to be asked again', async () => {
    const db = await stored({ hedge });
    let refusals = 0;
    world.cluster.onRead = () => {
      refusals += 1;
      return refusals > 4 ? undefined : wireError('HOLDFAST_OVERLOADED', { retryAfterMs: 20 });
    };
    expect(await world.drive(db.get('a'))).toBe('1');
    expect(db.health()).toMatchObject({ pending: { calls: 0 }, counters: { failed: 0, hedges: 0 } });
  });

  test('both refused make one repeat, and a late answer to either does no harm', async () => {
    const db = await stored({ hedge });
    let refusals = 0;
    world.cluster.onRead = ({ id }) => {
      if (refusals > 1) return undefined;
      if (id === 'n1') return 'late';
      refusals += 1;
      return wireError('HOLDFAST_OVERLOADED');
    };
    const read = db.get('a', { readPreference: 'standby', consistency: 'eventual' });
    expect(await world.drive(read)).toBe('1');
    world.cluster.node('n1').answerLate();
    await world.clock.advance(10);
    expect(db.health()).toMatchObject({ pending: { calls: 0 }, counters: { failed: 0 } });
  });
});

test('options that make no sense are refused', () => {
  for (const hedge of [{ percentile: 100 }, { afterMs: -1 }, { after: 5 }, 5]) {
    expect(() => world.client({ hedge } as object)).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
    );
  }
});
