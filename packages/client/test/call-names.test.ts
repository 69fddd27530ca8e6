import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

type Call = (db: Holdfast, options: never) => Promise<unknown>;

/** Every way that a write's options can take. */
const WRITES: [string, Call][] = [
  ['put', (db, options) => db.put('a', '1', options)],
  ['del', (db, options) => db.del('a', options)],
  ['a batch', (db, options) => db.batch([{ type: 'put', key: 'a', value: '1' }], options)],
  ['a chained batch', (db, options) => db.batch().put('a', '1').write(options)],
  ['put of a sublevel', (db, options) => db.sublevel('s').put('a', '1', options)],
  ['a batch of a nested sublevel', (db, options) => nested(db).batch([put], options)],
  ['a chained batch of a sublevel', (db, options) => chained(db, options)],
  ['put with a prewrite hook', (db, options) => hooked(db).put('a', '1', options)],
  ['clear', (db, options) => db.clear(options)],
  ['clear of a sublevel', (db, options) => db.sublevel('s').clear(options)],
  ['increment', (db, options) => db.increment('a', 1, options)],
  ['write', (db, options) => db.write([put], options)],
];
const READS: [string, Call][] = [
  ['get', (db, options) => db.get('a', options)],
  ['getMany', (db, options) => db.getMany(['a'], options)],
  ['has', (db, options) => db.has('a', options)],
  ['hasMany', (db, options) => db.hasMany(['a'], options)],
  ['get of a sublevel', (db, options) => db.sublevel('s').get('a', options)],
  ['read', (db, options) => db.read('a', options)],
  ['an iterator', async (db, options) => db.iterator(options).all()],
  ['an iterator of keys', async (db, options) => db.keys(options).all()],
  ['an iterator of values', async (db, options) => db.sublevel('s').values(options).all()],
  ['a snapshot', async (db, options) => db.snapshot(options)],
];
/** Where the options of one operation go unheard. */
const OPERATIONS: [string, Call][] = [
  ['a batch', (db, option) => db.batch([{ ...put, ...(option as object) }])],
  ['a batch that says otherwise', (db, option) => db.batch([{ ...put, ...(option as object) }], others)],
  ['a chained batch', (db, option) => db.batch().put('a', '1', option).write()],
  ['a batch of a sublevel', (db, option) => db.sublevel('s').batch([{ ...put, ...(option as object) }])],
  ['what a hook adds', (db, option) => hooked(db, (batch) => batch.add({ ...put, ...(option as object) }))],
];
const put = { type: 'put', key: 'a', value: '1' } as const;
const others = { ack: 'all', timeoutMs: 2000, signal: new AbortController().signal } as const;

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

function nested(of: Holdfast): ReturnType<Holdfast['sublevel']> {
  return of.sublevel('s').sublevel('t') as never;
}

/** It wants the sublevel to be open. */
async function chained(of: Holdfast, options: never): Promise<void> {
  const sublevel = of.sublevel('s');
  await sublevel.open();
  await sublevel.batch().put('a', '1').write(options);
}

/** `db` with a hook; with `add`, a put that the hook adds to. */
function hooked(of: Holdfast): Holdfast;
function hooked(of: Holdfast, add: (batch: { add(operation: object): void }) => void): Promise<void>;
function hooked(of: Holdfast, add?: (batch: never) => void): unknown {
  of.hooks.prewrite.add((_operation, batch) => add?.(batch as never));
  return add === undefined ? of : of.put('b', '1');
}

async function expectRefused(call: Promise<unknown>): Promise<void> {
  const { error } = await world.timed(call);
  expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT', outcome: 'not-applied' });
}

/** Frames that carried calls, to whatever node. */
function framesSent(): number {
  return world.cluster.nodes.reduce((total, { frames }) => total + frames, 0);
}

describe.each(WRITES)('%s', (_, write) => {
  test.each<[string, object]>([
    ['an ack that is none', { ack: 'some' }],
    ['a time that is none', { timeoutMs: '5' }],
    ['a mistyped time', { timeoutMS: 5 }],
    ['a mistyped level', { acks: 'all' }],
    ['a mistyped signal', { singal: new AbortController().signal }],
  ])('refuses %s, and sends nothing', async (_what, options) => {
    const before = framesSent();
    await expectRefused(write(db, options as never));
    expect(framesSent()).toBe(before);
  });

  test('takes what there is', async () => {
    const { ack, timeoutMs, signal } = others;
    await world.drive(write(db, { ack, timeoutMs, signal } as never));
  });
});

describe.each(READS)('%s', (_, read) => {
  test.each<[string, object]>([
    ['a consistency that is none', { consistency: 'strong' }],
    ['a mistyped consistency', { consistancy: 'eventual' }],
    ['a mistyped bound', { maxStaleness_ms: 5 }],
    ['a mistyped position', { aftr: 1 }],
    ['what only writes heed', { ack: 'all' }],
  ])('refuses %s', async (_what, options) => {
    await expectRefused(Promise.resolve().then(() => read(db, options as never)));
  });
});

test('a refused iterator that waited for the database holds up nobody behind it', async () => {
  const opening = world.client();
  const refused = [
    opening.iterator({ consistancy: 'eventual' } as never).next(),
    opening
      .sublevel('s')
      .keys({ timeoutMs: -1 } as never)
      .all(),
    opening.values({ snapshot: db.snapshot() }).nextv(1),
  ];
  const put = opening.put('a', '1');
  for (const { reason } of (await world.drive(Promise.allSettled(refused))) as PromiseRejectedResult[])
    expect(reason).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  await world.drive(put);
});

describe('put, del and batches', () => {
  test.each(WRITES.slice(0, 8))('refuse conditions, and what only reads heed: %s', async (_, write) => {
    for (const options of [{ ifAbsent: true }, { ifRevision: 0 }, { conditions: [] }, { after: 1 }])
      await expectRefused(write(db, options as never));
    expect(await world.drive(db.get('a'))).toBeUndefined();
  });

  test.each(OPERATIONS)('refuse what one operation asks for alone: %s', async (_, batch) => {
    for (const option of [{ ack: 'local' }, { timeoutMs: 1 }, { ifAbsent: true }, { acks: 'all' }]) {
      const fresh = await world.opened();
      // A hook keeps its own error as the cause of abstract-level's.
      await expectRefused(batch(fresh, option as never));
    }
    expect(await world.drive(db.get('a'))).toBeUndefined();
  });

  test('let the options of hooks and plug-ins through, which events tell', async () => {
    const seen: unknown[] = [];
    db.on('write', (operations) => seen.push(...operations));
    const theirs = { ttl: 5, pack: true, tenant: 'x', prefix: '/', level: 2 };
    await world.drive(db.put('a', '1', theirs as never));
    await world.drive(db.batch([{ ...put, ...theirs }], { source: 'plug-in' } as never));
    await world.drive(
      db
        .batch()
        .put('a', '1', theirs as never)
        .write(),
    );
    await world.drive(db.get('a', theirs as never));
    expect(seen).toHaveLength(3);
    for (const operation of seen) expect(operation).toMatchObject(theirs);
  });

  test('take undefined as not given', async () => {
    await world.drive(db.put('a', '1', { ack: undefined, consistency: undefined } as never));
    await world.drive(db.batch([{ ...put, ack: undefined } as never], { ack: 'all' }));
    expect(await world.drive(db.get('a', { ack: undefined } as never))).toBe('1');
  });
});
