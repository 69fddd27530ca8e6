import { SimRandom } from '@holdfast/sim';
import { HoldfastError } from '@holdfast/types';
import type { AbstractLevel, AbstractSnapshot } from 'abstract-level';
import { beforeEach, describe, expect, test } from 'vitest';
import { CallTime } from '../src/call-time.ts';
import type { Holdfast } from '../src/index.ts';
import { SnapshotPin } from '../src/snapshot-pin.ts';
import { World } from './support/world.ts';

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
  await world.drive(
    db.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '1' },
    ]),
  );
});

async function overwrite(): Promise<void> {
  await db.batch([
    { type: 'put', key: 'a', value: '2' },
    { type: 'del', key: 'b' },
    { type: 'put', key: 'c', value: '2' },
  ]);
}

async function failOver(): Promise<void> {
  await world.clock.advance(10);
  world.kill('n1');
  world.cluster.elect('n2');
  await world.clock.advance(20);
}

describe('a snapshot', () => {
  test('shows the state of when it was made, to every kind of read', async () => {
    const snapshot = db.snapshot();
    await world.drive(overwrite());
    expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
    expect(await world.drive(db.getMany(['a', 'b', 'c'], { snapshot }))).toEqual(['1', '1', undefined]);
    expect(await world.drive(db.has('b', { snapshot }))).toBe(true);
    expect(await world.drive(db.hasMany(['b', 'c'], { snapshot }))).toEqual([true, false]);
    expect(await world.drive(db.read('a', { snapshot }))).toMatchObject({ value: '1', revision: 1 });
    expect(await world.drive(db.iterator({ snapshot }).all())).toEqual([
      ['a', '1'],
      ['b', '1'],
    ]);
    const iterator = db.keys({ snapshot, reverse: true });
    iterator.seek('a');
    expect(await world.drive(iterator.all())).toEqual(['a']);
    expect(await world.drive(db.keys().all())).toEqual(['a', 'c']);
    await world.drive(snapshot.close());
    await world.clock.advance(10);
    expect(world.cluster.node('n1')).toMatchObject({ openSnapshots: 0, openScans: 0 });
  });

  test('goes before writes that are asked for after it, however slow its node is', async () => {
    world.network.setLatency('n1', 'app', 80);
    const snapshot = db.snapshot();
    const written = db.put('a', '2');
    expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
    await world.drive(written);
    await world.drive(snapshot.close());
  });

  test('clear removes what it holds, and nothing newer', async () => {
    const snapshot = db.snapshot();
    await world.drive(db.put('c', '2'));
    await world.drive(db.clear({ snapshot }));
    expect(await world.drive(db.keys().all())).toEqual(['c']);
    expect(await world.drive(db.keys({ snapshot }).all())).toEqual(['a', 'b']);
    await world.drive(snapshot.close());
  });

  test('of a sublevel or in a namespace shows that', async () => {
    // As one type: by the types of their hooks neither is a plain AbstractLevel.
    const spaces = [db.sublevel('part'), await world.opened({ namespace: 'n' })] as unknown as AbstractLevel<
      Buffer,
      string,
      string
    >[];
    for (const space of spaces) {
      await world.drive(space.put('a', 'own'));
      const snapshot = space.snapshot();
      await world.drive(space.put('a', 'later'));
      expect(await world.drive(space.get('a', { snapshot }))).toBe('own');
      expect(await world.drive(space.iterator({ snapshot }).all())).toEqual([['a', 'own']]);
      await world.drive(snapshot.close());
    }
  });

  test('of another database is refused', async () => {
    const snapshot = (await world.opened()).snapshot();
    for (const read of [() => db.get('a', { snapshot }), () => db.keys({ snapshot }).next()])
      expect((await world.timed(read())).error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  });

  test('closed before it was taken, or with its database, it leaves nothing behind', async () => {
    const early = db.snapshot();
    await world.clock.advance(0);
    await world.drive(early.close());
    await world.clock.advance(20);
    expect(world.cluster.node('n1').openSnapshots).toBe(0);
    const late = db.snapshot();
    expect(await world.drive(db.get('a', { snapshot: late }))).toBe('1');
    await world.drive(db.close());
    await world.clock.advance(20);
    expect(world.cluster.node('n1').openSnapshots).toBe(0);
    expect(() => late.ref()).toThrow(expect.objectContaining({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' }));
  });

  test('is waited for by a read as long as its time and its signal allow', async () => {
    world.cluster.elect(undefined);
    await world.clock.advance(10);
    const snapshot = db.snapshot({ timeoutMs: 20_000 } as object);
    const late = { code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'not-applied' };
    for (const read of [
      () => db.get('a', { snapshot, timeoutMs: 100 }),
      () => db.keys({ snapshot, timeoutMs: 100 }).next(),
    ])
      expect(await world.timed(read())).toMatchObject({ ms: 100, error: late });
    const controller = new AbortController();
    world.clock.setTimer(50, () => controller.abort());
    const aborted = await world.timed(db.getMany(['a'], { snapshot, signal: controller.signal }));
    expect(aborted).toMatchObject({ ms: 50, error: { code: 'HOLDFAST_ABORTED', outcome: 'not-applied' } });
    const patient = world.timed(db.get('a', { snapshot, timeoutMs: 5000 }));
    await world.clock.advance(1000);
    world.cluster.elect('n2');
    expect((await patient).value).toBe('1');
    await world.drive(snapshot.close());
  });

  test('is not taken once its signal says so, and stays if it was', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const taken = db.snapshot({ signal } as object);
    await world.clock.advance(10);
    world.cluster.elect(undefined);
    await world.clock.advance(10);
    const waiting = db.snapshot({ signal } as object);
    world.clock.setTimer(50, () => controller.abort());
    const { ms, error } = await world.timed(db.get('a', { snapshot: waiting }));
    expect({ ms, error }).toMatchObject({ ms: 50, error: { code: 'HOLDFAST_ABORTED' } });
    expect(await world.drive(db.get('a', { snapshot: taken }))).toBe('1');
    await world.drive(Promise.all([taken.close(), waiting.close()]));
  });

  test('is disposed of by `await using`', async () => {
    const snapshot = db.snapshot();
    expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
    await world.drive(snapshot[Symbol.asyncDispose]());
    const { error } = await world.timed(db.get('a', { snapshot }));
    expect(error).toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' });
  });
});

describe('a snapshot whose node is lost', () => {
  test('is taken again if nobody can tell', async () => {
    const snapshot = db.snapshot();
    await failOver();
    const reads = Promise.all([db.get('a', { snapshot }), db.keys({ snapshot }).all()]);
    expect(await world.drive(reads)).toEqual(['1', ['a', 'b']]);
    expect(world.cluster.node('n2').openSnapshots).toBe(1);
    await world.drive(snapshot.close());
  });

  test.each([
    ['it was read', (snapshot: AbstractSnapshot) => db.get('a', { snapshot })],
    ['something was written', () => overwrite()],
  ])('is lost once %s', async (_, use) => {
    const snapshot = db.snapshot();
    await world.drive<unknown>(use(snapshot));
    await failOver();
    for (const read of [() => db.get('a', { snapshot }), () => db.keys({ snapshot }).all()]) {
      expect((await world.timed(read())).error).toMatchObject({
        code: 'HOLDFAST_SNAPSHOT_LOST',
        outcome: 'not-applied',
      });
    }
    await world.drive(snapshot.close());
  });

  test('is another one than that held by a standby, which lasts through the failover', async () => {
    // Its options are those of a read, which the types of abstract-level do not know.
    const snapshot = db.snapshot({ readPreference: 'standby' } as object);
    expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
    await world.drive(overwrite());
    await failOver();
    expect(await world.drive(db.getMany(['a', 'b', 'c'], { snapshot }))).toEqual(['1', '1', undefined]);
    expect(await world.drive(db.keys({ snapshot }).all())).toEqual(['a', 'b']);
    await world.drive(snapshot.close());
  });

  test('while it is read is one state to all reads, though one of them had its answer (G12)', async () => {
    let taken = 0;
    const tenant = { writes: 0, submit: () => Promise.resolve({ id: ++taken, link: 1 }) };
    const pin = new SnapshotPin(tenant as never, () => ({}) as never, undefined);
    const time = new CallTime({ clock: world.clock, random: new SimRandom(1) }, 1000, undefined);
    const late = Promise.withResolvers<string>();
    const first = pin.read(({ id }) => (id === 1 ? late.promise : Promise.resolve('second')), time);
    const lost = new HoldfastError('HOLDFAST_SNAPSHOT_LOST', 'test');
    const other = pin.read(({ id }) => (id === 1 ? Promise.reject(lost) : Promise.resolve('second')), time);
    expect(await other).toBe('second');
    late.resolve('first');
    expect(await first).toBe('second');
  });

  test('is not taken for ever', async () => {
    world.cluster.scansLost = true;
    const snapshot = db.snapshot();
    const { error } = await world.timed(db.get('a', { snapshot }));
    expect(error).toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    await world.drive(snapshot.close());
  });
});
