import { beforeEach, describe, expect, test } from 'vitest';
import type { HoldfastReleaseOptions } from '../../src/index.ts';
import { errorOf } from '../support/error-of.ts';
import { type LockProcess, LockWorld } from './lock-world.ts';

const TTL_MS = 300;
const STOP = new Error('enough');

let world: LockWorld;
let one: LockProcess;
let two: LockProcess;
beforeEach(async () => {
  world = await LockWorld.start();
  [one, two] = [await world.process(), await world.process()];
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.drive(promise);
const advance = (ms: number): Promise<void> => world.world.clock.advance(ms);

/** What is held, in the words of any of them. */
interface Held {
  readonly held: boolean;
  readonly signal: AbortSignal;
  giveUp(options?: HoldfastReleaseOptions): Promise<boolean>;
  /** For others, by the state of the cluster. */
  isGone(): Promise<boolean>;
}

const KINDS: readonly [string, (ttlMs?: number) => Promise<Held>][] = [
  ['a lock', async (ttlMs = TTL_MS) => ofLock(await drive(one.db.lock('job', { ttlMs })), 'job')],
  [
    'an office',
    async (ttlMs = TTL_MS) => {
      const election = one.db.elect('cron', { value: 1, ttlMs });
      const office = await drive(election.campaign());
      const isGone = async () => (await drive(two.db.elect('cron', { value: 2 }).current())) === undefined;
      return Object.assign(ofLock(office, 'cron'), { isGone });
    },
  ],
  [
    'a lease',
    async (ttlMs = TTL_MS) => {
      const lease = await drive(one.db.lease({ ttlMs }));
      await drive(lease.put('a', '1'));
      return {
        get held() {
          return lease.held;
        },
        signal: lease.signal,
        giveUp: (options) => lease.revoke(options),
        isGone: async () => (await drive(two.db.get('a'))) === undefined,
      };
    },
  ],
];

function ofLock(lock: Awaited<ReturnType<LockProcess['db']['lock']>>, name: string): Held {
  return {
    get held() {
      return lock.held;
    },
    signal: lock.signal,
    giveUp: (options) => lock.release(options),
    isGone: async () => {
      const taken = await drive(two.db.tryLock(name, { ttlMs: TTL_MS }));
      return taken !== undefined && (await drive(taken.release()));
    },
  };
}

function isolate(): void {
  for (const node of ['n1', 'n2', 'n3']) world.world.network.cut('app1', node);
}

describe.each(KINDS)('%s is given up', (_, take) => {
  test('at once, and for nobody who waits, by a signal that is aborted', async () => {
    const held = await take(60_000);
    const { ms, error } = await world.world.timed(held.giveUp({ signal: AbortSignal.abort(STOP) }));
    expect(ms).toBe(0);
    expect(error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown', cause: STOP });
    expect(held.held).toBe(false);
    await advance(20);
    expect(await held.isGone()).toBe(true);
    // It is no loss.
    expect(held.signal.aborted).toBe(false);
    // What came of it is told to whoever asks later, even so.
    expect(await drive(held.giveUp({ signal: AbortSignal.abort(STOP) }))).toBe(true);
    expect(await drive(held.giveUp())).toBe(true);
  });

  test('and waited for until a signal is aborted', async () => {
    const held = await take();
    for (const node of world.world.cluster.nodes) node.freeze();
    const stop = new AbortController();
    world.world.clock.setTimer(20, () => stop.abort(STOP));
    const { ms, error } = await world.world.timed(held.giveUp({ signal: stop.signal }));
    expect(ms).toBe(20);
    expect(error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown', cause: STOP });
    expect(held.held).toBe(false);
    // Somebody else who waits for it goes on doing so.
    expect(await drive(held.giveUp())).toBe(false);
  });

  test('and waited for as long as it is told, and expires', async () => {
    const held = await take();
    isolate();
    const { ms, error } = await world.world.timed(held.giveUp({ timeoutMs: 50 }));
    expect(ms).toBe(50);
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
    expect(held.held).toBe(false);
    await advance(TTL_MS * 2);
    expect(await held.isGone()).toBe(true);
  });

  test('in time, whatever would have ended the waiting', async () => {
    const { signal } = new AbortController();
    expect(await drive((await take()).giveUp({ signal, timeoutMs: 50 }))).toBe(true);
    const again = await take();
    expect(await drive(again.giveUp({ signal: null, timeoutMs: undefined } as never))).toBe(true);
    expect(await again.isGone()).toBe(true);
  });

  test('within longer than a call has otherwise', async () => {
    const held = await take(60_000);
    world.world.cluster.elect(undefined);
    const given = held.giveUp({ timeoutMs: 20_000 });
    await advance(10_000);
    world.world.cluster.elect('n1');
    expect(await drive(given)).toBe(true);
    expect(await held.isGone()).toBe(true);
  });

  test('without a word to wait less, as long as a call may take and no longer', async () => {
    const held = await take(60_000);
    isolate();
    const { ms, value } = await world.world.timed(held.giveUp());
    expect(value).toBe(false);
    expect(ms).toBeLessThan(5100);
  });

  test('as long as a call may take, though somebody has asked for longer before', async () => {
    const held = await take(60_000);
    isolate();
    const stop = new AbortController();
    const first = errorOf(held.giveUp({ timeoutMs: 3_600_000, signal: stop.signal }));
    stop.abort(STOP);
    expect(await drive(first)).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
    const { ms, value } = await world.world.timed(held.giveUp());
    expect(value).toBe(false);
    expect(ms).toBeLessThan(5100);
  });

  test('with the options that there are, and is still held otherwise', async () => {
    const held = await take();
    for (const options of [
      { timeoutMs: 0 },
      { timeoutMs: Number.POSITIVE_INFINITY },
      { signal: {} },
      { timeoutMS: 5 },
      { ttlMs: 500 },
      null,
    ]) {
      expect(await errorOf(held.giveUp(options as never))).toMatchObject({
        code: 'HOLDFAST_INVALID_ARGUMENT',
        outcome: 'not-applied',
      });
    }
    await advance(TTL_MS * 3);
    expect(held.held).toBe(true);
  });
});
