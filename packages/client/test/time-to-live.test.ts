import { LIMITS } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

/** By the fake node, whose time does not go on. */
const ttl = (key: string, at: Pick<Holdfast, 'ttl'> = db): Promise<number | undefined> =>
  world.drive(at.ttl(key));

describe('ttlMs', () => {
  test('of a put is told by ttl and read, and cleared by a put without one', async () => {
    await world.drive(db.put('a', '1', { ttlMs: 5000 }));
    expect(await ttl('a')).toBe(5000);
    expect(await world.drive(db.read('a'))).toMatchObject({ value: '1', ttlMs: 5000 });
    await world.drive(db.put('a', '2'));
    expect(await ttl('a')).toBe(Number.POSITIVE_INFINITY);
    expect(await world.drive(db.read('a'))).toMatchObject({ value: '2', ttlMs: undefined });
    expect(await ttl('missing')).toBeUndefined();
  });

  test('of a fraction is rounded up: nothing expires early', async () => {
    await world.drive(db.put('a', '1', { ttlMs: 0.25 }));
    expect(await ttl('a')).toBe(1);
  });

  test('of a batch holds for its puts that name none', async () => {
    await world.drive(
      db.batch(
        [
          { type: 'put', key: 'a', value: '1' },
          { type: 'put', key: 'b', value: '2', ttlMs: 70 },
          { type: 'del', key: 'c' },
        ],
        { ttlMs: 60 },
      ),
    );
    expect([await ttl('a'), await ttl('b')]).toEqual([60, 70]);
    await world.drive(
      db.batch([
        { type: 'put', key: 'a', value: '1' },
        { type: 'put', key: 'b', value: '2', ttlMs: 80 },
      ]),
    );
    expect([await ttl('a'), await ttl('b')]).toEqual([Number.POSITIVE_INFINITY, 80]);
  });

  test('goes through chained batches, put by put', async () => {
    await world.drive(db.batch().put('a', '1', { ttlMs: 10 }).put('b', '2').del('c').write());
    expect([await ttl('a'), await ttl('b')]).toEqual([10, Number.POSITIVE_INFINITY]);
    const users = db.sublevel('users');
    await world.drive(users.open());
    await world.drive(users.batch().put('a', '1', { ttlMs: 20 }).write());
    expect(await ttl('a', users)).toBe(20);
    expect(await ttl('!users!a')).toBe(20);
    for (const home of [db, users]) {
      const batch = home.batch().put('a', '1');
      const { error } = await world.timed(batch.write({ ttlMs: 30 } as never));
      expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT', outcome: 'not-applied' });
    }
  });

  test('goes through the prewrite hook, which may give one to what it adds', async () => {
    const log = db.sublevel('log');
    db.hooks.prewrite.add((operation, batch) => {
      if (operation.type !== 'put') return;
      batch.add({
        type: 'put',
        key: String(operation.key),
        value: 'seen',
        sublevel: log,
        ttlMs: 90,
      } as never);
    });
    await world.drive(db.put('a', '1', { ttlMs: 40 }));
    await world.drive(db.batch([{ type: 'put', key: 'b', value: '1', ttlMs: 50 }]));
    await world.drive(db.batch().put('c', '1', { ttlMs: 60 }).write());
    expect([await ttl('a'), await ttl('b'), await ttl('c')]).toEqual([40, 50, 60]);
    expect([await ttl('a', log), await ttl('b', log), await ttl('c', log)]).toEqual([90, 90, 90]);
  });

  test('works on sublevels, with their encodings, whatever the path', async () => {
    const users = db.sublevel<number, { name: string }>('users', {
      keyEncoding: 'json',
      valueEncoding: 'json',
    });
    const value = { name: 'Ada' };
    await world.drive(users.put(1, value, { ttlMs: 11 }));
    await world.drive(users.batch([{ type: 'put', key: 2, value, ttlMs: 12 }]));
    await world.drive(users.write([{ type: 'put', key: 3, value, ttlMs: 13 }]));
    await world.drive(users.transaction({ then: [{ type: 'put', key: 4, value, ttlMs: 14 }] }));
    await world.drive(users.update(5, () => value, { ttlMs: 15 }));
    await world.drive(db.batch([{ type: 'put', key: 6, value, sublevel: users, ttlMs: 16 }] as never));
    for (const key of [1, 2, 3, 4, 5, 6]) {
      expect(await world.drive(users.ttl(key)), String(key)).toBe(10 + key);
      expect(await world.drive(users.get(key))).toEqual(value);
    }
    expect(await world.drive(users.expire(1, 500))).toBe(true);
    expect(await world.drive(users.ttl(1))).toBe(500);
    expect(await world.drive(users.persist(1))).toBe(true);
    expect(await world.drive(users.ttl(1))).toBe(Number.POSITIVE_INFINITY);
  });

  test('is kept in a namespace, and seen by nobody else', async () => {
    const carts = await world.opened({ namespace: 'carts' });
    await world.drive(carts.put('a', '1', { ttlMs: 25 }));
    expect(await ttl('a', carts)).toBe(25);
    expect(await ttl('a')).toBeUndefined();
  });

  test('is kept by a counter, and cleared by an update without one', async () => {
    await world.drive(db.put('n', '1', { ttlMs: 25 }));
    await world.drive(db.increment('n'));
    expect(await ttl('n')).toBe(25);
    await world.drive(db.update('n', () => '5'));
    expect(await ttl('n')).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('expire and persist', () => {
  test('change the time alone, and give the key a new revision', async () => {
    const { revision } = await world.drive(db.write([{ type: 'put', key: 'a', value: '1', ttlMs: 10 }]));
    expect(await world.drive(db.expire('a', 900))).toBe(true);
    const renewed = await world.drive(db.read('a'));
    expect(renewed).toMatchObject({ value: '1', ttlMs: 900 });
    expect(renewed!.revision).toBeGreaterThan(revision);
    expect(await world.drive(db.persist('a'))).toBe(true);
    expect(await world.drive(db.read('a'))).toMatchObject({ value: '1', ttlMs: undefined });
  });

  test('say of a key that is not there that they did nothing', async () => {
    expect(await world.drive(db.expire('a', 900))).toBe(false);
    expect(await world.drive(db.persist('a'))).toBe(false);
    expect(await world.drive(db.has('a'))).toBe(false);
  });

  test('are steps of transactions', async () => {
    await world.drive(db.put('a', '1'));
    const { steps, revision } = await world.drive(
      db.transaction({
        then: [
          { type: 'expire', key: 'a', ttlMs: 70 },
          { type: 'expire', key: 'missing', ttlMs: 70 },
          { type: 'persist', key: 'missing' },
          { type: 'put', key: 'b', value: '2', ttlMs: 80 },
        ],
      }),
    );
    expect(steps).toEqual([
      { type: 'expire', revision: revision - 1 },
      { type: 'expire', revision: 0 },
      { type: 'persist', revision: 0 },
      { type: 'put', revision },
    ]);
    expect([await ttl('a'), await ttl('b')]).toEqual([70, 80]);
    await world.drive(db.transaction({ then: [{ type: 'persist', key: 'a' }] }));
    expect(await ttl('a')).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('what is no time to live', () => {
  const code = 'HOLDFAST_INVALID_ARGUMENT';
  const refused = async (call: Promise<unknown>): Promise<void> => {
    expect((await world.timed(call)).error).toMatchObject({ code, outcome: 'not-applied' });
  };

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, LIMITS.ttlMsMax + 1, '5s', null])(
    'is refused with a code, however it is given: %s',
    async (ttlMs) => {
      const sent = world.cluster.node('n1').frames;
      const put = { type: 'put', key: 'a', value: '1', ttlMs } as never;
      for (const home of [db, db.sublevel('s') as unknown as Holdfast]) {
        await refused(home.put('a', '1', { ttlMs } as never));
        await refused(home.batch([put]));
        await refused(home.batch([{ type: 'put', key: 'a', value: '1' }], { ttlMs } as never));
        await refused(
          home
            .batch()
            .put('a', '1', { ttlMs } as never)
            .write(),
        );
        await refused(home.write([put]));
        await refused(home.transaction({ then: [put] }));
        await refused(home.transaction({ then: [{ type: 'expire', key: 'a', ttlMs } as never] }));
        await refused(home.update('a', () => '1', { ttlMs } as never));
        await refused(home.expire('a', ttlMs as never));
      }
      expect(world.cluster.node('n1').frames).toBe(sent);
    },
  );

  test('is refused when it is mistyped: it would be none', async () => {
    for (const home of [db, db.sublevel('s') as unknown as Holdfast]) {
      for (const name of ['ttlms', 'ttl_ms', 'ttlMS', 'ttlM']) {
        const options = { [name]: 5 } as never;
        const put = { type: 'put', key: 'a', value: '1', [name]: 5 } as never;
        await refused(home.put('a', '1', options));
        await refused(home.batch([put]));
        await refused(home.batch([{ type: 'put', key: 'a', value: '1' }], options));
        await refused(home.batch().put('a', '1', options).write());
        await refused(home.write([put]));
        await refused(home.transaction({ then: [put] }));
        await refused(home.update('a', () => '1', options));
        await refused(home.expire('a', 5, options));
        await refused(home.ttl('a', options));
      }
    }
    await refused(db.transaction({ then: [{ type: 'expire', key: 'a' } as never] }));
    await refused(db.transaction({ then: [{ type: 'persist', key: 'a', ttlMs: 5 } as never] }));
  });

  test('but options of an application for its own hooks go through', async () => {
    await world.drive(db.put('a', '1', { audit: 'yes', ttlMs: 5 } as never));
    await world.drive(db.batch([{ type: 'put', key: 'b', value: '1', reason: 'because' } as never]));
    expect(await ttl('a')).toBe(5);
  });
});

describe('ack', () => {
  test('local is refused where what was there decides, and stands back where it is the default', async () => {
    const code = 'HOLDFAST_INVALID_ARGUMENT';
    const options = { ack: 'local' } as never;
    const calls = [
      () => db.increment('n', 1, options),
      () => db.expire('n', 5, options),
      () => db.persist('n', options),
    ];
    for (const call of calls)
      expect((await world.timed(call())).error).toMatchObject({ code, outcome: 'not-applied' });
    const lax = await world.opened({ ack: 'local' });
    await world.drive(lax.increment('n'));
    expect(await world.drive(lax.expire('n', 5))).toBe(true);
  });
});
