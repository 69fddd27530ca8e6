import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});

/** What any call takes. */
interface End {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** The sublevels have the same methods, for other keys. */
type Home = Holdfast;

interface Method {
  readonly name: string;
  readonly call: (db: Home, end: End) => Promise<unknown>;
  /** What its first request may have done if nobody has answered it. */
  readonly sent: 'unknown' | 'not-applied';
  /** abstract-level's iterators have a code of their own for that, and no outcome. */
  readonly isIterator?: boolean;
  /** There is none of a database that opens yet, as abstract-level has it. */
  readonly isOfOpen?: boolean;
}

const reading = (name: string, call: Method['call']): Method => ({ name, call, sent: 'not-applied' });
const writing = (name: string, call: Method['call']): Method => ({ name, call, sent: 'unknown' });
const turning = (name: string, call: Method['call']): Method => ({
  ...reading(name, call),
  isIterator: true,
});

/** Every public method that asks the cluster something. */
const METHODS: readonly Method[] = [
  reading('get', (db, end) => db.get('a', end)),
  reading('getMany', (db, end) => db.getMany(['a', 'b'], end)),
  reading('has', (db, end) => db.has('a', end)),
  reading('hasMany', (db, end) => db.hasMany(['a', 'b'], end)),
  writing('put', (db, end) => db.put('a', '1', end)),
  writing('del', (db, end) => db.del('a', end)),
  writing('batch', (db, end) => db.batch([{ type: 'put', key: 'a', value: '1' }], end)),
  {
    ...writing('write of a chained batch', async (db, end) => {
      await db.open();
      return db.batch().put('a', '1').write(end);
    }),
    isOfOpen: true,
  },
  reading('clear, which looks first', (db, end) => db.clear(end)),
  turning('next of an iterator', (db, end) => db.iterator(end).next()),
  turning('nextv of keys', (db, end) => db.keys(end).nextv(10)),
  turning('all of values', (db, end) => db.values(end).all()),
  writing('write', (db, end) => db.write([{ type: 'put', key: 'a', value: '1' }], end)),
  reading('read', (db, end) => db.read('a', end)),
  writing('increment', (db, end) => db.increment('n', 1, end)),
  writing('transaction', (db, end) => db.transaction({ then: [{ type: 'increment', key: 'n' }] }, end)),
  reading('update, which reads first', (db, end) => db.update('a', () => '1', end)),
  reading('ttl', (db, end) => db.ttl('a', end)),
  writing('expire', (db, end) => db.expire('a', 60_000, end)),
  writing('persist', (db, end) => db.persist('a', end)),
  reading('next of a watch', (db, end) => db.watch(end).next()),
  reading('next of a watch with its state', (db, end) => db.watch({ ...end, initial: true }).next()),
  reading('lock, which looks first', (db, end) => db.lock('job', end)),
  reading('tryLock, which looks first', (db, end) => db.tryLock('job', end)),
  reading('campaign, which looks first', (db, end) => db.elect('cron', { value: 1 }).campaign(end)),
  reading('current', (db, end) => db.elect('cron', { value: 1 }).current(end)),
  writing('lease', (db, end) => db.lease(end)),
];
/** It has no time of its own. */
const LEADER = reading('who is elected, watched', (db, { signal }) =>
  db
    .elect('cron', { value: 1 })
    .leader({ ...(signal === undefined ? {} : { signal }) })
    .next(),
);

const HOMES: readonly [string, (db: Holdfast) => unknown][] = [
  ['a database', (db) => db],
  ['a sublevel', (db) => db.sublevel('s')],
  ['a sublevel of a sublevel', (db) => db.sublevel('s').sublevel('t')],
];

const CASES = HOMES.flatMap(([of, home]) =>
  [...METHODS, LEADER].map((method) => ({
    ...method,
    home: home as (db: Holdfast) => Home,
    title: `${method.name} of ${of}`,
  })),
);
const TIMED = CASES.filter(({ name }) => name !== LEADER.name);
const isDeferred = ({ isOfOpen }: Method): boolean => isOfOpen !== true;

const STOP = new Error('enough');

function abortedBy({ isIterator }: Method, outcome: string): object {
  return isIterator === true ? { code: 'LEVEL_ABORTED' } : { code: 'HOLDFAST_ABORTED', outcome, cause: STOP };
}

/** Virtual milliseconds that it lasts after `afterMs`, when it is aborted, and what it ends with. */
async function abortedAfter(afterMs: number, call: (signal: AbortSignal) => Promise<unknown>) {
  const controller = new AbortController();
  world.clock.setTimer(afterMs, () => controller.abort(STOP));
  const { ms, error } = await world.timed(call(controller.signal));
  return { ms: ms - afterMs, error };
}

describe('a signal ends at once, and states the outcome', () => {
  test.each(CASES)('$title that was never asked for', async (method) => {
    const db = method.home(await world.opened());
    const before = world.cluster.node('n1').received.length;
    const { ms, error } = await world.timed(method.call(db, { signal: AbortSignal.abort(STOP) }));
    expect(ms).toBe(0);
    // An iterator has begun before it is asked, which has nothing to undo.
    expect(error).toMatchObject(abortedBy(method, 'not-applied'));
    await world.clock.advance(100);
    const asked = world.cluster
      .node('n1')
      .received.slice(before)
      .map(({ kind }) => kind);
    expect(asked).not.toContain('write');
  });

  test.each(CASES.filter(isDeferred))(
    '$title while the database opens, and it is never made',
    async (method) => {
      for (const id of ['n1', 'n2', 'n3']) world.kill(id);
      const root = world.client();
      const { ms, error } = await abortedAfter(50, (signal) => method.call(method.home(root), { signal }));
      expect(ms).toBe(0);
      expect(error).toMatchObject(abortedBy(method, 'not-applied'));
      for (const node of world.cluster.nodes) await node.start();
      await world.drive(root.open());
      await world.clock.advance(100);
      expect(world.cluster.state.executed).toBe(0);
    },
  );

  test.each(CASES)('$title while there is no primary', async (method) => {
    const db = method.home(await world.opened());
    world.cluster.elect(undefined);
    await world.clock.advance(10);
    const { ms, error } = await abortedAfter(50, (signal) => method.call(db, { signal }));
    expect(ms).toBe(0);
    expect(error).toMatchObject(abortedBy(method, 'not-applied'));
    world.cluster.elect('n1');
    await world.clock.advance(1000);
    expect(world.cluster.state.executed).toBe(0);
  });

  test.each(CASES)('$title while its request is unanswered', async (method) => {
    const root = await world.opened();
    await world.drive(root.put('session', 'is open'));
    for (const node of world.cluster.nodes) node.freeze();
    const { ms, error } = await abortedAfter(20, (signal) => method.call(method.home(root), { signal }));
    expect(ms).toBe(0);
    expect(error).toMatchObject(abortedBy(method, method.sent));
  });
});

/** Programs in JavaScript say so; abstract-level's iterators do not take it. */
test.each(CASES.filter(({ isIterator }) => isIterator !== true))(
  'a signal that is null is none: $title',
  async (method) => {
    const root = world.client();
    const home = method.home(root);
    const errors: unknown[] = [];
    const call = (): void =>
      void method.call(home, { signal: null } as object).catch((error: unknown) => errors.push(error));
    if (isDeferred(method)) call();
    await world.drive(root.open());
    call();
    await world.clock.advance(100);
    expect(errors).toEqual([]);
  },
);

describe('time', () => {
  test.each(TIMED.filter(isDeferred))(
    '$title is up while the database opens, and it is never made',
    async (method) => {
      for (const id of ['n1', 'n2', 'n3']) world.kill(id);
      const root = world.client();
      const { ms, error } = await world.timed(method.call(method.home(root), { timeoutMs: 100 }));
      expect(ms).toBe(100);
      expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'not-applied' });
      for (const node of world.cluster.nodes) await node.start();
      await world.drive(root.open());
      await world.clock.advance(100);
      expect(world.cluster.state.executed).toBe(0);
    },
  );

  test.each(TIMED.filter(isDeferred))('$title has what the opening left of it', async (method) => {
    for (const id of ['n1', 'n2', 'n3']) world.kill(id);
    world.cluster.elect(undefined);
    const root = world.client();
    const made = world.timed(method.call(method.home(root), { timeoutMs: 400 }));
    await world.clock.advance(100);
    for (const node of world.cluster.nodes) await node.start();
    const { ms, error } = await made;
    expect(root.status).toBe('open');
    expect(error).toMatchObject({ outcome: 'not-applied' });
    // A page, of a clear as well, has its time to itself.
    const isPaged = method.isIterator === true || method.name.startsWith('clear');
    expect(ms).toBeGreaterThanOrEqual(400);
    expect(ms).toBeLessThan(isPaged ? 600 : 410);
  });
});

describe('while the database opens', () => {
  test('calls are made in the order in which they were asked for, with a signal or without', async () => {
    const db = world.client();
    const { signal } = new AbortController();
    const told = new Map<unknown, Readonly<Record<string, unknown>>>();
    db.on('write', ([put]) => void (put?.type === 'put' && told.set(put.value, put)));
    const puts = ['1', '2', '3', '4'].map((value, place) =>
      db.put('a', value, place % 2 === 0 ? { signal } : {}),
    );
    await world.drive(Promise.all(puts));
    expect(await world.drive(db.get('a'))).toBe('4');
    const written = world.cluster.state.history.map((event) => event.kind === 'put' && `${event.value}`);
    expect(written).toEqual(['1', '2', '3', '4']);
    // They are told with the options that they had.
    expect(told.get('1')).toMatchObject({ signal });
    expect(Object.keys(told.get('2') ?? {})).not.toContain('timeoutMs');
  });

  test('one that does not open says why, also to those whose time is up by then', async () => {
    for (const id of ['n1', 'n2', 'n3']) world.kill(id);
    const db = world.client();
    const { signal } = new AbortController();
    const ends = await Promise.all(
      [db.get('a'), db.put('a', '1', { signal }), db.increment('n')].map((call) => world.timed(call)),
    );
    for (const { ms, error } of ends) {
      expect(ms).toBe(5000);
      expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    }
  });

  test('what is wrong with options rejects, and holds up nobody', async () => {
    const db = world.client();
    const wrong = [
      () => db.put('a', '1', { timeoutMs: 0 }),
      () => db.get('a', { signal: {} as never }),
      () => db.lock('', { timeoutMs: 100 }),
      () => db.sublevel('s').tryLock(7 as never),
    ];
    for (const call of wrong)
      expect((await world.timed(call())).error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
    await world.drive(db.put('a', '1'));
  });

  test('a fallback helps where time is up', async () => {
    for (const id of ['n1', 'n2', 'n3']) world.kill(id);
    const options = { timeoutMs: 100, fallback: () => 'known' };
    for (const db of [world.client(), world.client().sublevel('s')]) {
      expect(await world.timed(db.get('a', options))).toMatchObject({ ms: 100, value: 'known' });
      expect(await world.timed(db.getMany(['a'], options))).toMatchObject({ ms: 100, value: ['known'] });
      expect(await world.timed(db.read('a', options))).toMatchObject({ ms: 100, value: { value: 'known' } });
    }
  });

  test('a watch and an iterator can be closed, and an iterator whose turn was given up goes on', async () => {
    await world.drive((await world.opened()).put('a', '1'));
    for (const id of ['n1', 'n2', 'n3']) world.kill(id);
    const db = world.client();
    const watch = db.watch();
    const next = world.timed(watch.next());
    await watch.close();
    expect(await next).toMatchObject({ ms: 0, value: { done: true } });
    const left = db.iterator();
    expect((await world.timed(left.close())).ms).toBe(0);
    const iterator = db.iterator({ timeoutMs: 100 });
    expect((await world.timed(iterator.next())).error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED' });
    for (const node of world.cluster.nodes) await node.start();
    expect(await world.drive(iterator.next())).toEqual(['a', '1']);
    expect(await world.drive(iterator.next())).toBeUndefined();
    await world.drive(iterator.close());
    await world.clock.advance(100);
    for (const node of world.cluster.nodes) expect(node.openScans).toBe(0);
  });
});
