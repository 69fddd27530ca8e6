import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast, WatchChange, WatchProgress } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

type AnyEvent = WatchChange<unknown, unknown> | WatchProgress;
type AnyWatch = { next(): Promise<IteratorResult<AnyEvent, undefined>> };

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

/** The next so-many events, in short. */
async function take(watch: AnyWatch, count: number): Promise<string[]> {
  const told: string[] = [];
  while (told.length < count) {
    const { value } = await world.drive(watch.next());
    told.push(value === undefined ? 'end' : inShort(value));
  }
  return told;
}

function inShort(event: AnyEvent): string {
  if (event.type === 'progress') return `up to ${event.revision}`;
  const value = event.type === 'put' ? `=${event.value}` : '';
  const previous = event.previousValue === undefined ? '' : ` (was ${event.previousValue})`;
  const where = event.revision === undefined ? 'at first' : `@${event.revision}`;
  return `${event.type} ${event.key}${value} ${where}${event.endsWrite ? '' : ' …'}${previous}`;
}

async function failOver(from: string, to: string): Promise<void> {
  await world.clock.advance(10);
  world.kill(from);
  world.cluster.elect(to);
  await world.clock.advance(20);
}

describe('a watch', () => {
  test('tells what is written after it was made, in order, and where a write ends', async () => {
    await world.drive(db.put('before', '0'));
    const watch = db.watch();
    // Issued in the same turn: it comes after the watch, however fast it is.
    const written = db.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'del', key: 'b' },
    ]);
    expect(await take(watch, 2)).toEqual(['put a=1 @2 …', 'del b @3']);
    await world.drive(written);
    await world.drive(db.put('a', '2'));
    expect(await take(watch, 1)).toEqual(['put a=2 @4']);
    expect(watch.position).toBe(4);
  });

  test('tells of its range alone', async () => {
    const watch = db.watch({ gt: 'b', lte: 'd' });
    for (const key of ['a', 'b', 'c', 'd', 'e']) await world.drive(db.put(key, '1'));
    await world.drive(db.put('c', '2'));
    expect(await take(watch, 3)).toEqual(['put c=1 @3', 'put d=1 @4', 'put c=2 @6']);
  });

  test('goes on from a position, with the next event', async () => {
    for (const value of ['1', '2', '3', '4']) await world.drive(db.put('a', value));
    const watch = db.watch({ from: 2 });
    expect(await take(watch, 2)).toEqual(['put a=3 @3', 'put a=4 @4']);
  });

  test('speaks the keys and values of its sublevel and its namespace, and sees no others', async () => {
    const tenant = await world.opened({ namespace: 'tenant' });
    const users = tenant.sublevel<string, { age: number }>('users', { valueEncoding: 'json' });
    const nested = users.sublevel('old');
    const watch = users.watch({ gte: 'b' });
    const all = tenant.watch();
    await world.drive(db.put('c', 'another'));
    await world.drive(tenant.put('c', 'another'));
    await world.drive(users.put('a', { age: 1 }));
    await world.drive(users.put('c', { age: 2 }));
    await world.drive(nested.put('c', 'x'));
    await world.drive(users.del('c'));
    const { value } = await world.drive(watch.next());
    expect(value).toMatchObject({ type: 'put', key: 'c', value: { age: 2 }, endsWrite: true });
    expect(await take(watch, 1)).toEqual(['del c @6']);
    expect((await take(all, 2))[1]).toBe('put !users!a={"age":1} @3');
    await world.drive(tenant.close());
  });

  test('goes on at another node when its own is lost, without gap or repeat', async () => {
    const watch = db.watch();
    await world.drive(db.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
    await failOver('n1', 'n2');
    await world.drive(db.put('a', '2'));
    await failOver('n2', 'n3');
    await world.drive(db.put('a', '3'));
    expect(await take(watch, 2)).toEqual(['put a=2 @2', 'put a=3 @3']);
  });

  test('what came before the loss and was not taken is not lost, and comes once', async () => {
    const watch = db.watch();
    for (const value of ['1', '2']) await world.drive(db.put('a', value));
    await world.clock.advance(10);
    await failOver('n1', 'n2');
    await world.drive(db.put('a', '3'));
    expect(await take(watch, 3)).toEqual(['put a=1 @1', 'put a=2 @2', 'put a=3 @3']);
  });

  test('leaves a node that keeps silent', async () => {
    const watch = db.watch();
    await world.drive(db.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
    world.cluster.node('n1').freeze();
    const before = world.clock.now();
    const next = watch.next();
    while (world.cluster.node('n2').watches.open + world.cluster.node('n3').watches.open === 0)
      await world.clock.advance(50);
    expect(world.clock.now() - before).toBeLessThan(2000);
    world.cluster.elect('n2');
    await world.drive(db.put('a', '2'));
    expect((await world.drive(next)).value).toMatchObject({ value: '2' });
    // It wakes, and is told that nobody listens to it any more.
    world.cluster.node('n1').thaw();
    await world.clock.advance(500);
    await world.drive(db.put('a', '3'));
    await world.clock.advance(500);
    expect(world.cluster.node('n1').watches.open).toBe(0);
    expect(await take(watch, 1)).toEqual(['put a=3 @3']);
  });

  test('goes on at the primary where standbys are preferred and none can open it', async () => {
    await world.drive(db.put('a', '1'));
    world.cluster.onWatch = ({ id }) =>
      id === 'n1' ? undefined : wireError('HOLDFAST_DISK_WENT_BACK', { retryable: true });
    const watch = db.watch({ from: 0, readPreference: 'standby', timeoutMs: 1000 });
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
  });

  test('waits through an outage of all nodes', async () => {
    const watch = db.watch();
    await world.drive(db.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
    for (const node of world.cluster.nodes) await node.stop();
    const next = watch.next();
    await world.clock.advance(20_000);
    for (const node of world.cluster.nodes) await node.start();
    await world.clock.advance(3000);
    await world.drive(db.put('a', '2'));
    expect((await world.drive(next)).value).toMatchObject({ value: '2', revision: 2 });
  });

  test('is sent no more than fits in its window, whatever is written', async () => {
    const watch = db.watch();
    const value = 'v'.repeat(10_000);
    for (let written = 0; written < 60; written += 1) await world.drive(db.put('a', value));
    await world.clock.advance(10);
    const { credit } = world.cluster.node('n1').watches;
    expect(credit).toBeLessThanOrEqual(0);
    expect(credit).toBeGreaterThan(-11_000);
    const revisions: unknown[] = [];
    for (let taken = 0; taken < 60; taken += 1)
      revisions.push((await world.drive(watch.next())).value?.revision);
    expect(revisions).toEqual(Array.from({ length: 60 }, (_, place) => place + 1));
  });

  test('tells what is there first, then what comes after it', async () => {
    await world.drive(db.put('a', '1'));
    await world.drive(db.put('b', '1'));
    const watch = db.watch({ initial: true });
    expect(await take(watch, 1)).toEqual(['put a=1 at first']);
    await world.drive(db.put('b', '2'));
    expect(await take(watch, 3)).toEqual(['put b=1 at first', 'up to 2', 'put b=2 @3']);
    expect(watch.position).toBe(3);
  });

  test('a state whose node is lost is read on from another, and each key goes on from where it was told', async () => {
    const keys = Array.from({ length: 600 }, (_, place) => `k${String(place).padStart(3, '0')}`);
    await world.drive(db.batch(keys.map((key) => ({ type: 'put', key, value: '1' }))));
    const watch = db.watch({ initial: true });
    const state = new Map<unknown, unknown>();
    for (let taken = 0; taken < 256; taken += 1) {
      const { value } = await world.drive(watch.next());
      if (value?.type === 'put') state.set(value.key, value.value);
    }
    await failOver('n1', 'n2');
    for (const key of ['k000', 'k599']) await world.drive(db.put(key, '2'));
    const after: string[] = [];
    for (;;) {
      const { value } = await world.drive(watch.next());
      if (value?.type === 'progress') {
        expect(value.revision).toBe(602);
        break;
      }
      // Whoever went on from one of them would see keys go back: of others more than that was told.
      expect(watch.position).toBeUndefined();
      if (value?.initial === false) after.push(inShort(value));
      if (value?.type === 'put') state.set(value.key, value.value);
    }
    expect(after).toEqual(['put k000=2 @601']);
    expect(state.size).toBe(600);
    expect([state.get('k000'), state.get('k599'), state.get('k300')]).toEqual(['2', '2', '1']);
    await world.drive(db.put('k300', '3'));
    expect(await take(watch, 1)).toEqual(['put k300=3 @603']);
  });

  test('a state that was read after its node had let the watch go is followed from its own revision', async () => {
    await world.drive(db.put('a', '1'));
    const watch = db.watch({ initial: true });
    await world.clock.advance(10);
    await world.drive(db.put('b', '1'));
    world.cluster.onWatch = (_, { from = 0 }) =>
      from < 2 ? wireError('HOLDFAST_REVISION_COMPACTED', { detail: 2 }) : undefined;
    world.cluster.node('n1').endWatches(wireError('HOLDFAST_NOT_READY'));
    await world.clock.advance(100);
    expect(await take(watch, 3)).toEqual(['put a=1 at first', 'put b=1 at first', 'up to 2']);
    await world.drive(db.put('a', '2'));
    expect(await take(watch, 1)).toEqual(['put a=2 @3']);
  });

  test('says how far it has come when nothing happens in its range, if asked', async () => {
    const watch = db.watch({ gte: 'x', progress: true });
    await world.drive(db.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['up to 1']);
    expect(watch.position).toBe(1);
  });

  test('tells what was there before, if asked', async () => {
    const watch = db.watch({ previousValue: true });
    await world.drive(db.put('a', '1'));
    await world.drive(db.put('a', '2'));
    await world.drive(db.del('a'));
    expect(await take(watch, 3)).toEqual(['put a=1 @1', 'put a=2 @2 (was 1)', 'del a @3 (was 2)']);
  });

  test('raises what later reads of its client hold', async () => {
    const other = await world.opened();
    const watch = db.watch();
    await world.drive(other.put('a', '1'));
    await take(watch, 1);
    expect(db.token()).toBe(1);
    await world.drive(other.close());
  });
});

describe('the end of a watch', () => {
  test('by leaving the loop: its node lets go of it', async () => {
    const watch = db.watch();
    await world.drive(db.put('a', '1'));
    await world.drive(
      (async () => {
        for await (const event of watch) if (event.type === 'put') break;
      })(),
    );
    await world.clock.advance(10);
    expect(world.cluster.node('n1').watches.open).toBe(0);
    expect(await world.drive(watch.next())).toEqual({ done: true, value: undefined });
  });

  test('by its signal, while it waits', async () => {
    const controller = new AbortController();
    const watch = db.watch({ signal: controller.signal });
    const next = world.timed(watch.next());
    await world.clock.advance(10);
    controller.abort(new Error('enough'));
    expect(await next).toMatchObject({ error: { code: 'HOLDFAST_ABORTED', cause: { message: 'enough' } } });
    expect(await world.drive(watch.next())).toEqual({ done: true, value: undefined });
    await world.clock.advance(10);
    expect(world.cluster.node('n1').watches.open).toBe(0);
  });

  test('with its database, quietly', async () => {
    const watch = db.watch();
    const next = watch.next();
    await world.clock.advance(10);
    await world.drive(db.close());
    expect(await world.drive(next)).toEqual({ done: true, value: undefined });
  });

  test('by the node, if nothing can be done about it: other nodes are asked before', async () => {
    const oldest: Record<string, number> = { n1: 70, n2: 60, n3: 80 };
    world.cluster.onWatch = ({ id }) => wireError('HOLDFAST_REVISION_COMPACTED', { detail: oldest[id] ?? 0 });
    const watch = db.watch({ from: 3 });
    expect(await world.timed(watch.next())).toMatchObject({
      error: { code: 'HOLDFAST_REVISION_COMPACTED', detail: 60 },
    });
    expect(await world.drive(watch.next())).toEqual({ done: true, value: undefined });
  });

  test('by nodes of which one is lost meanwhile: those that are left are asked all the same', async () => {
    for (const value of ['1', '2']) await world.drive(db.put('a', value));
    const asked: string[] = [];
    world.cluster.onWatch = ({ id }) => {
      asked.push(id);
      if (asked.length === 2) world.kill(asked[0]!);
      return asked.length < 3 ? wireError('HOLDFAST_REVISION_COMPACTED', { detail: 2 }) : undefined;
    };
    expect(await take(db.watch({ from: 1 }), 1)).toEqual(['put a=2 @2']);
    expect(new Set(asked)).toEqual(new Set(['n1', 'n2', 'n3']));
  });

  test('by nodes whose logs do not go back so far, but not before one that is not ready has been heard', async () => {
    for (const value of ['1', '2']) await world.drive(db.put('a', value));
    let isReady = false;
    world.cluster.onWatch = ({ id }) => {
      if (id !== 'n3') return wireError('HOLDFAST_REVISION_COMPACTED', { detail: 2 });
      return isReady ? undefined : wireError('HOLDFAST_NOT_READY', { retryAfterMs: 50 });
    };
    const told = take(db.watch({ from: 1, readPreference: 'standby' }), 1);
    await world.clock.advance(1000);
    const asked = world.cluster.nodes.reduce(
      (sum, { received }) => sum + received.filter(({ kind }) => kind === 'watchOpen').length,
      0,
    );
    expect(asked).toBeLessThan(30);
    isReady = true;
    expect(await told).toEqual(['put a=2 @2']);
  });

  test('by nodes whose logs do not go back so far, beside one that is out of its cluster', async () => {
    const oldest: Record<string, number> = { n1: 70, n2: 60 };
    world.cluster.onWatch = ({ id }) =>
      id === 'n3'
        ? wireError('HOLDFAST_NODE_REPLACED', { retryable: true })
        : wireError('HOLDFAST_REVISION_COMPACTED', { detail: oldest[id]! });
    const { ms, error } = await world.timed(db.watch({ from: 3 }).next());
    expect(error).toMatchObject({ code: 'HOLDFAST_REVISION_COMPACTED', detail: 60 });
    expect(ms).toBeLessThan(100);
  });

  test('by nodes whose logs do not go back so far, beside one that keeps silent: they are not asked in a circle', async () => {
    world.cluster.onWatch = () => wireError('HOLDFAST_REVISION_COMPACTED', { detail: 2 });
    world.cluster.node('n3').freeze();
    const standby = { readPreference: 'standby', consistency: 'eventual' } as const;
    await world.drive(Promise.all([db.get('a', standby), db.get('a', standby)]));
    const watch = db.watch({ from: 1, timeoutMs: 1000 });
    expect(await world.timed(watch.next())).toMatchObject({
      ms: expect.closeTo(1000, -2),
      error: { code: 'HOLDFAST_REVISION_COMPACTED' },
    });
    expect(db.health()?.counters.retries).toBeLessThan(30);
  });

  test('of a node that has opened it already, before the others were asked as well', async () => {
    const watch = db.watch();
    await world.drive(db.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
    // As nodes do that look for the place in their log once they have said where it begins.
    const end = async (id: string, detail: number): Promise<void> => {
      world.cluster.node(id).endWatches(wireError('HOLDFAST_REVISION_COMPACTED', { detail }));
      await world.clock.advance(50);
    };
    const home = (): string | undefined =>
      ['n1', 'n2', 'n3'].find((id) => world.cluster.node(id).watches.open > 0);
    const asked = [home()!];
    await end('n1', 70);
    await world.drive(db.put('a', '2'));
    expect(await take(watch, 1)).toEqual(['put a=2 @2']);
    for (const detail of [80, 60, 90]) {
      asked.push(home()!);
      await end(home()!, detail);
    }
    expect(new Set(asked)).toEqual(new Set(['n1', 'n2', 'n3']));
    const next = world.timed(watch.next());
    await end(home()!, 90);
    expect(await next).toMatchObject({ error: { code: 'HOLDFAST_REVISION_COMPACTED', detail: 60 } });
  });

  test('a position that did not survive', async () => {
    world.cluster.onWatch = () => wireError('HOLDFAST_SESSION_DIVERGED', { detail: 2 });
    const { error } = await world.timed(db.watch({ from: 3 }).next());
    expect(error).toMatchObject({ code: 'HOLDFAST_SESSION_DIVERGED', detail: 2 });
  });

  test('a node that lets it go for now is left, and comes back into question', async () => {
    const watch = db.watch();
    await world.drive(db.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
    world.cluster.node('n1').endWatches(wireError('HOLDFAST_TOO_STALE'));
    await world.clock.advance(20);
    expect(world.cluster.node('n1').watches.open).toBe(0);
    await world.drive(db.put('a', '2'));
    expect(await take(watch, 1)).toEqual(['put a=2 @2']);
  });

  test('is told if no node can be asked in time at first', async () => {
    for (const id of ['n1', 'n2', 'n3']) world.kill(id);
    await world.clock.advance(100);
    const { error, ms } = await world.timed(db.watch({ timeoutMs: 300 }).next());
    expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
    expect(ms).toBeLessThan(400);
  });

  test('a key or value that does not decode', async () => {
    await world.drive(db.put('a', 'no json'));
    const watch = db.watch({ initial: true, valueEncoding: 'json' });
    expect(await world.timed(watch.next())).toMatchObject({ error: { code: 'LEVEL_DECODE_ERROR' } });
    await world.clock.advance(10);
    expect(world.cluster.node('n1').watches.open).toBe(0);
  });
});

describe('what a watch is asked', () => {
  test.each([
    ['a name that it does not know', { reverse: true }],
    ['a position that is none', { from: -1 }],
    ['a state from a position', { from: 1, initial: true }],
    ['a flag that is none', { progress: 1 }],
    ['a signal that is none', { signal: {} }],
    ['a time that is none', { timeoutMs: 0 }],
  ])('refuses %s', (_, options) => {
    expect(() => db.watch(options as never)).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
    );
  });

  test('refuses to begin on a closed database', async () => {
    await world.drive(db.close());
    expect(() => db.watch()).toThrow(expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }));
  });

  test('begins with the database, if that is not open yet', async () => {
    const other = world.client();
    const watch = other.watch();
    await world.drive(other.put('a', '1'));
    expect(await take(watch, 1)).toEqual(['put a=1 @1']);
    await world.drive(other.close());
  });
});
