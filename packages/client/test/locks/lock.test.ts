import { beforeEach, describe, expect, test } from 'vitest';
import type { Lock } from '../../src/index.ts';
import { errorOf } from '../support/error-of.ts';
import { wireError } from '../support/fake-cluster.ts';
import { type LockProcess, LockWorld } from './lock-world.ts';

const TTL_MS = 300;

let world: LockWorld;
let one: LockProcess;
let two: LockProcess;
let three: LockProcess;
beforeEach(async () => {
  world = await LockWorld.start();
  [one, two, three] = [await world.process(), await world.process(), await world.process()];
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.drive(promise);
const advance = (ms: number): Promise<void> => world.world.clock.advance(ms);
const lock = ({ db }: LockProcess, name = 'job'): Promise<Lock> => db.lock(name, { ttlMs: TTL_MS });

/** What became of a call so far. */
function told<Result>(promise: Promise<Result>): { value?: Result; error?: unknown } {
  const seen: { value?: Result; error?: unknown } = {};
  promise.then(
    (value) => {
      seen.value = value;
    },
    (error: unknown) => {
      seen.error = error;
    },
  );
  return seen;
}

describe('a lock', () => {
  test('is had by one at a time, with a greater token each', async () => {
    const first = await drive(lock(one));
    expect(first).toMatchObject({ name: 'job', held: true });
    const waiting = told(lock(two));
    await advance(5000);
    expect(waiting).toEqual({});
    expect(await drive(two.db.tryLock('job'))).toBeUndefined();
    expect(await drive(first.release())).toBe(true);
    expect(first.held).toBe(false);
    await advance(10);
    expect(waiting.value?.held).toBe(true);
    expect(waiting.value!.token).toBeGreaterThan(first.token);
    expect(first.signal.aborted).toBe(false);
  });

  test('renews itself, with one token', async () => {
    const held = await drive(lock(one));
    const { token } = held;
    await advance(TTL_MS * 10);
    expect(held.held).toBe(true);
    expect(held.token).toBe(token);
    expect(await drive(held.release())).toBe(true);
    expect(await drive(held.release())).toBe(true);
  });

  test('of a process that stands still is had by another, and it finds out before anything else', async () => {
    const held = await drive(lock(one));
    const { token } = held;
    one.freeze();
    const next = await drive(lock(two));
    expect(next.token).toBeGreaterThan(token);
    expect(held.held).toBe(false);
    expect(() => held.token).toThrow(expect.objectContaining({ code: 'HOLDFAST_LOCK_LOST' }));
    expect(held.signal.reason).toMatchObject({ code: 'HOLDFAST_LOCK_LOST' });
    one.thaw();
    await advance(TTL_MS * 3);
    expect(next.held).toBe(true);
    expect(await drive(held.release())).toBe(false);
    expect(next.held).toBe(true);
  });

  test('is lost by its holder before another has it, when no node is to be had', async () => {
    const held = await drive(lock(one));
    const since = world.world.clock.now();
    const lostAt = new Promise<number>((resolve) =>
      held.signal.addEventListener('abort', () => resolve(world.world.clock.now())),
    );
    for (const node of ['n1', 'n2', 'n3']) world.world.network.cut('app1', node);
    const next = await drive(lock(two));
    expect(await lostAt).toBeLessThan(since + TTL_MS);
    expect(next.held).toBe(true);
  });

  test('that was taken away is lost with the next renewal', async () => {
    const held = await drive(lock(one));
    const { state } = world.world.cluster;
    state.remove(state.history.at(-1)!.key);
    await advance(TTL_MS);
    expect(held.signal.reason).toMatchObject({ code: 'HOLDFAST_LOCK_LOST' });
    expect(await drive(held.release())).toBe(false);
  });

  test('outlives failed renewals as long as there is time', async () => {
    const held = await drive(lock(one));
    world.world.cluster.onWrite = () => wireError('HOLDFAST_OVERLOADED');
    await advance(TTL_MS * 0.6);
    world.world.cluster.onWrite = () => undefined;
    await advance(TTL_MS * 3);
    expect(held.held).toBe(true);
  });

  test('whose first answers were lost is had once, and confirmed if that took long', async () => {
    let dropped = 0;
    world.world.cluster.onWrite = (_, request) => {
      if (request.otherwise === undefined || dropped > 0) return undefined;
      dropped += 1;
      return 'executeAndDrop';
    };
    const held = await drive(one.db.lock('job', { ttlMs: 6000 }));
    expect(dropped).toBe(1);
    // The call had waited for its answer until its end.
    await advance(20_000);
    expect(held.held).toBe(true);
    expect(await drive(held.release())).toBe(true);
    expect((await drive(lock(two))).token).toBeGreaterThan(held.token);
  });

  test('that nobody was told of goes at once when the call for it is given up', async () => {
    world.world.cluster.onWrite = (_, request) =>
      request.otherwise?.length === 1 ? 'executeAndDrop' : undefined;
    const stop = new AbortController();
    const call = one.db.lock('job', { ttlMs: 60_000, signal: stop.signal });
    const seen = told(call);
    await advance(20);
    stop.abort(new Error('enough'));
    await advance(20);
    expect(seen.error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
    world.world.cluster.onWrite = () => undefined;
    const since = world.world.clock.now();
    await drive(lock(two));
    expect(world.world.clock.now() - since).toBeLessThan(1000);
  });

  test('that nobody was told of goes at once when the database is closed', async () => {
    world.world.cluster.onWrite = (_, request) =>
      request.otherwise?.length === 1 ? 'executeAndDrop' : undefined;
    const seen = told(one.db.lock('job', { ttlMs: 60_000 }));
    await advance(20);
    const closed = one.db.close();
    world.world.cluster.onWrite = () => undefined;
    await drive(closed);
    expect(seen.error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    const since = world.world.clock.now();
    await drive(lock(two));
    expect(world.world.clock.now() - since).toBeLessThan(1000);
  });

  test('is released at the end of a scope, and by the end of its database', async () => {
    await (async () => {
      await using held = await drive(lock(one));
      expect(held.held).toBe(true);
      void advance(100);
    })();
    const again = await drive(lock(two));
    await drive(two.db.close());
    expect(again.held).toBe(false);
    const since = world.world.clock.now();
    await drive(lock(three));
    expect(world.world.clock.now() - since).toBeLessThan(TTL_MS / 2);
  });

  test('of a database, a sublevel and a namespace are three', async () => {
    const users = one.db.sublevel('users');
    const held = [
      await drive(lock(one)),
      await drive(users.lock('job')),
      await drive(users.sublevel('x').lock('job')),
    ];
    expect(held.every((each) => each.held)).toBe(true);
    expect(await drive(two.db.sublevel('users').tryLock('job'))).toBeUndefined();
    const spaced = await world.world.opened({ namespace: 'app' });
    expect((await drive(spaced.lock('job'))).held).toBe(true);
    // They are no keys of an application.
    expect(await drive(one.db.keys().all())).toEqual([]);
    await drive(one.db.clear());
    expect(await drive(two.db.tryLock('job'))).toBeUndefined();
  });

  test('is asked for with the options that there are', async () => {
    for (const call of [
      () => one.db.lock('job', { ack: 'local' } as never),
      () => one.db.tryLock('job', { ttl: 5 } as never),
      () => one.db.lock('job', { ttlMs: 99 }),
      () => one.db.lock('job', { ttlMs: Number.NaN }),
      () => one.db.lock('job', { timeoutMs: 0 }),
      () => one.db.lock('job', { signal: {} as never }),
      () => one.db.lock(''),
      () => one.db.lock('\ud800'),
      () => one.db.lock('x'.repeat(1025)),
      () => one.db.sublevel('s').lock(7 as never),
    ]) {
      expect(await errorOf(drive(call()))).toMatchObject({
        code: 'HOLDFAST_INVALID_ARGUMENT',
        outcome: 'not-applied',
      });
    }
  });
});

describe('who waits for a lock', () => {
  test('gets it in the order of coming, before one who asks again and again', async () => {
    const order: string[] = [];
    const turn = async (process: LockProcess, who: string): Promise<void> => {
      const held = await lock(process);
      order.push(who);
      await held.release();
    };
    const held = await drive(lock(one));
    const turns: Promise<void>[] = [];
    for (const [process, who] of [
      [two, 'b'],
      [three, 'c'],
      [one, 'a'],
      [two, 'b again'],
    ] as const) {
      turns.push(turn(process, who));
      await advance(20);
    }
    const greedy = (async () => {
      await held.release();
      await turn(one, 'greedy');
    })();
    await drive(Promise.all([...turns, greedy]));
    expect(order).toEqual(['b', 'c', 'a', 'b again', 'greedy']);
  });

  test('is woken alone', async () => {
    const held = await drive(lock(one));
    const waiting: Promise<Lock>[] = [];
    for (let count = 0; count < 20; count += 1) {
      const process = await world.process();
      waiting.push(process.db.lock('job', { ttlMs: 60_000 }));
      await advance(20);
    }
    const before = world.world.cluster.nodes.reduce((sum, node) => sum + node.requests, 0);
    await drive(held.release());
    await drive(waiting[0]!);
    await advance(50);
    const requests = world.world.cluster.nodes.reduce((sum, node) => sum + node.requests, 0) - before;
    // The release, and the one attempt that takes it.
    expect(requests).toBe(2);
  });

  test('does so for the time given, and leaves nothing behind', async () => {
    const held = await drive(lock(one));
    const { ms, error } = await world.world.timed(two.db.lock('job', { timeoutMs: 700 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'not-applied' });
    expect(ms).toBeLessThan(710);
    const stop = new AbortController();
    const stopped = told(two.db.lock('job', { signal: stop.signal }));
    await advance(50);
    stop.abort();
    await advance(5);
    expect(stopped.error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'not-applied' });
    const next = told(lock(three));
    await advance(50);
    await drive(held.release());
    await advance(20);
    expect(next.value?.held).toBe(true);
  });

  test('goes on behind one that stopped to wait, or stands still', async () => {
    const held = await drive(lock(one));
    void two.db.lock('job', { ttlMs: TTL_MS });
    await advance(20);
    const next = told(three.db.lock('job', { ttlMs: TTL_MS }));
    await advance(20);
    two.freeze();
    await drive(held.release());
    await advance(TTL_MS * 2);
    expect(next.value?.held).toBe(true);
  });

  test('goes on when its database is closed, with an error', async () => {
    await drive(lock(one));
    const waiting = told(lock(two));
    await advance(50);
    await drive(two.db.close());
    expect(waiting.error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await expect(drive(two.db.lock('job'))).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  });

  test('leaves its place at once when its database is closed: those behind it need not wait', async () => {
    const held = await drive(lock(one));
    const waiting = told(two.db.lock('job', { ttlMs: 60_000 }));
    await advance(50);
    const next = told(lock(three));
    await advance(50);
    await drive(two.db.close());
    expect(waiting.error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await drive(held.release());
    await advance(20);
    expect(next.value?.held).toBe(true);
  });

  test('waits through a time without a primary', async () => {
    world.world.cluster.elect(undefined);
    const waiting = told(one.db.lock('job', { ttlMs: TTL_MS }));
    await advance(20_000);
    expect(waiting).toEqual({});
    world.world.cluster.elect('n2');
    await advance(3000);
    expect(waiting.value?.held).toBe(true);
  });

  test('is itself, if it holds it already', async () => {
    const held = await drive(lock(one));
    const again = told(lock(one));
    await advance(1000);
    expect(again).toEqual({});
    await drive(held.release());
    await advance(20);
    expect(again.value?.held).toBe(true);
  });
});

describe('a transaction', () => {
  test('runs only while a lock is held', async () => {
    const held = await drive(lock(one));
    const users = one.db.sublevel('users');
    const put = { type: 'put', key: 'a', value: '1' } as const;
    expect((await drive(one.db.transaction({ if: [{ lock: held }], then: [put] }))).branch).toBe('then');
    await advance(TTL_MS * 2);
    expect((await drive(users.transaction({ if: [{ lock: held }], then: [put] }))).branch).toBe('then');
    one.freeze();
    const next = await drive(lock(two));
    one.thaw();
    const late = one.db.transaction({ if: [{ lock: held }], then: [put] });
    expect((await drive(late)).branch).toBe('else');
    expect((await drive(two.db.transaction({ if: [{ lock: next }], then: [put] }))).branch).toBe('then');
    for (const wrong of [{ lock: {} }, { lock: held, key: 'a' }]) {
      const call = one.db.transaction({ if: [wrong as never], then: [put] });
      expect((await errorOf(drive(call))).code).toBe('HOLDFAST_INVALID_ARGUMENT');
    }
  });
});
