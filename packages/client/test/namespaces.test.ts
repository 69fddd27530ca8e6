import { SimRandom } from '@holdfast/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import { Holdfast, type HoldfastOptions } from '../src/index.ts';
import { World } from './support/world.ts';

/** Names that are prefixes of each other, or hold what keys are put together with. */
const NAMES = [undefined, 'a', 'aa', 'a\u0000', 'a\u0001a', '\u0000', 'n', 'ÿ', '!a!', 'holdfast/', '日本'];
const KEYS = ['', 'a', 'aa', '\u0000', '\u0000n\u0001a', '\u0000holdfast/x', 'ÿ', 'z'].sort();

let world: World;
beforeEach(async () => {
  world = await World.start();
});

describe('namespaces', () => {
  test('every method stays inside its own', async () => {
    const databases = await Promise.all(
      NAMES.map((namespace) =>
        world.opened({ name: 'one', namespace }).then((db) => [namespace, db] as const),
      ),
    );
    for (const [namespace, db] of databases) {
      await world.drive(
        db.batch(KEYS.map((key) => ({ type: 'put', key, value: `${namespace} ${key}` }) as const)),
      );
    }
    const raw = await world.opened({ rawKeys: true });
    await world.drive(raw.put('\u0000holdfast/x', 'mark'));
    for (const [namespace, db] of databases) {
      const own = KEYS.map((key): [string, string] => [key, `${namespace} ${key}`]);
      expect(await world.drive(db.iterator().all())).toEqual(own);
      expect(await world.drive(db.keys({ reverse: true }).all())).toEqual([...KEYS].reverse());
      expect(await world.drive(db.values({ gt: 'a', lte: 'z' }).all())).toEqual([
        `${namespace} aa`,
        `${namespace} z`,
      ]);
      expect(await world.drive(db.getMany(KEYS))).toEqual(own.map(([, value]) => value));
      const iterator = db.keys();
      iterator.seek('b');
      expect(await world.drive(iterator.all())).toEqual(['z', 'ÿ']);
    }
    const [, cleared] = databases[1]!;
    await world.drive(cleared.clear());
    for (const [, db] of databases) {
      expect(await world.drive(db.keys().all())).toEqual(db === cleared ? [] : KEYS);
    }
    expect(await world.drive(raw.get('\u0000holdfast/x'))).toBe('mark');
  });

  test('conditions, reads and increments are of the own key', async () => {
    const [left, right] = [await world.opened({ namespace: 'l' }), await world.opened({ namespace: 'r' })];
    const put = [{ type: 'put', key: 'a', value: '1' }] as const;
    const { revision } = await world.drive(left.write(put, { ifAbsent: true }));
    await world.drive(right.write(put, { ifAbsent: true }));
    await world.drive(left.write(put, { conditions: [{ key: 'a', revision }] }));
    expect(await world.drive(left.read('a'))).toMatchObject({ value: '1' });
    expect(await world.drive(left.increment('n', 5))).toMatchObject({ value: 5 });
    expect(await world.drive(right.increment('n'))).toMatchObject({ value: 1 });
  });

  test('a key is too long together with its namespace', async () => {
    const db = await world.opened({ namespace: 'abc' });
    await world.drive(db.put('k'.repeat(4096 - 6), ''));
    const { error } = await world.timed(db.put('k'.repeat(4096 - 5), ''));
    expect(error).toMatchObject({ code: 'HOLDFAST_KEY_TOO_LARGE' });
  });
});

describe('the links of namespaces', () => {
  function sharing(): (options: HoldfastOptions<string, string>) => Holdfast {
    const seams = {
      transport: world.network.transport('app'),
      clock: world.clock,
      random: new SimRandom(1),
    };
    return (options) => new Holdfast(['ws://n1:7100', 'ws://n2:7100'], { ...options, seams });
  }

  test('thousands share one set, and are open at once when the first is', async () => {
    const make = sharing();
    const first = make({ namespace: 'first' });
    await world.drive(first.open());
    await world.clock.advance(10);
    const before = world.clock.now();
    const many = Array.from({ length: 2000 }, (_, at) => make({ namespace: `${at}` }));
    await world.drive(Promise.all(many.map((db) => db.open())));
    expect(world.clock.now()).toBe(before);
    expect(world.cluster.node('n1').connections).toBe(1);
    await world.drive(Promise.all([first, ...many].map((db) => db.close())));
    await world.clock.advance(10);
    expect(world.cluster.node('n1').connections).toBe(0);
    await world.clock.advance(5000);
    expect(world.clock.timerCount).toBe(0);
    await world.drive(first.open());
    await world.drive(first.put('a', '1'));
  });

  test('are not those of a database whose cluster was replaced by another one', async () => {
    const make = sharing();
    const old = make({});
    await world.drive(old.open());
    const { cluster } = world;
    for (const node of cluster.nodes) await node.stop();
    cluster.clusterId = 'e'.repeat(32) as typeof cluster.clusterId;
    for (const node of cluster.nodes) await node.start();
    await world.clock.advance(2000);
    const [one, other] = [make({}), make({ namespace: 'a' })];
    await world.drive(Promise.all([one.open(), other.open()]));
    await world.drive(one.put('a', '1'));
    expect(other.token()).toBe(one.token());
    await world.drive(old.close());
    const third = make({});
    await world.drive(third.open());
    expect(third.token()).toBe(one.token());
    await world.drive(Promise.all([one, other, third].map((db) => db.close())));
    await world.clock.advance(5000);
    expect(world.clock.timerCount).toBe(0);
  });

  test('are those of databases without one, too, and so is the session', async () => {
    const make = sharing();
    const [plain, same, spaced] = [make({}), make({}), make({ namespace: 'a' })];
    const named = make({ name: 'somebody else' });
    await world.drive(Promise.all([plain, same, spaced, named].map((db) => db.open())));
    expect(world.cluster.node('n1').connections).toBe(2);
    await world.drive(plain.put('a', '1'));
    expect([same.token(), spaced.token(), named.token()]).toEqual([plain.token(), plain.token(), 0]);
    await world.drive(Promise.all([spaced.put('a', '2'), same.put('a', '3')]));
    const writes = world.cluster.node('n1').received.filter((message) => message.kind === 'write');
    expect(new Set(writes.map(({ session }) => session)).size).toBe(1);
    await world.drive(Promise.all([plain.close(), spaced.close(), named.close()]));
    await world.clock.advance(10);
    expect(world.cluster.node('n1').connections).toBe(1);
    expect(await world.drive(same.get('a'))).toBe('3');
    await world.drive(same.close());
    await world.clock.advance(5000);
    expect(world.cluster.node('n1').connections).toBe(0);
    expect(world.clock.timerCount).toBe(0);
  });

  test('are made again when they were lost before another opens', async () => {
    const make = sharing();
    const first = make({ namespace: 'first' });
    await world.drive(first.open());
    for (const node of ['n1', 'n2', 'n3']) world.network.drop('app', node);
    const second = make({ namespace: 'second' });
    await world.drive(second.open());
    await world.drive(second.put('a', '1'));
  });

  test('closing one ends its own calls and no others', async () => {
    const make = sharing();
    const [left, right] = [make({ namespace: 'l', closeTimeoutMs: 50 }), make({ namespace: 'r' })];
    await world.drive(Promise.all([left.open(), right.open()]));
    await world.drive(right.put('opens', 'the session'));
    world.cluster.node('n1').freeze();
    const lost = world.timed(left.put('a', '1'));
    const kept = right.put('a', '1');
    const topologies: unknown[] = [];
    left.on('topology', (topology) => topologies.push(topology));
    await world.drive(left.close());
    expect((await lost).error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
    world.cluster.node('n1').thaw();
    await world.drive(kept);
    world.cluster.elect('n2');
    await world.clock.advance(10);
    expect(topologies).toEqual([]);
  });

  test('one that finds nobody leaves nothing behind', async () => {
    const seams = { transport: world.network.transport('app'), clock: world.clock, random: new SimRandom(1) };
    const make = (): Holdfast =>
      new Holdfast('ws://nowhere:1', { namespace: 'a', openTimeoutMs: 300, seams });
    const errors = await Promise.all([world.timed(make().open()), world.timed(make().open())]);
    for (const { error } of errors) expect(error).toMatchObject({ cause: { code: 'HOLDFAST_NO_PRIMARY' } });
    await world.clock.advance(5000);
    expect(world.clock.timerCount).toBe(0);
  });
});
