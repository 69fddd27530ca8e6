import { SimRandom } from '@holdfast/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import { Holdfast, type HoldfastOptions } from '../src/index.ts';
import { Level } from '../src/level.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});

function killAll(): void {
  for (const id of ['n1', 'n2', 'n3']) world.kill(id);
}

async function startAll(): Promise<void> {
  for (const node of world.cluster.nodes) await node.start();
}

/** One that is open although no node was ever in reach. */
async function openedAlone(options: HoldfastOptions<string, string> = {}): Promise<Holdfast> {
  killAll();
  const db = world.client({ lazy: true, ...options });
  expect((await world.timed(db.open())).ms).toBe(0);
  return db;
}

describe('a lazy database with no node in reach', () => {
  test('is open at once, and says how it is', async () => {
    const db = await openedAlone();
    expect(db.status).toBe('open');
    expect(db.health()).toMatchObject({ connected: false, pending: { calls: 0 }, waiting: 0 });
    expect(db.topology()).toBeUndefined();
    expect(db.token()).toBe(0);
  });

  test.each([
    ['put', (db: Holdfast) => db.put('a', '1', { timeoutMs: 200 })],
    ['get', (db: Holdfast) => db.get('a', { timeoutMs: 200 })],
    ['get at eventual', (db: Holdfast) => db.get('a', { timeoutMs: 200, consistency: 'eventual' })],
    ['increment', (db: Holdfast) => db.increment('n', 1, { timeoutMs: 200 })],
    [
      'transaction',
      (db: Holdfast) => db.transaction({ then: [{ type: 'del', key: 'a' }] }, { timeoutMs: 200 }),
    ],
    ['next of an iterator', (db: Holdfast) => db.iterator({ timeoutMs: 200 }).next()],
    ['get of a snapshot', (db: Holdfast) => db.get('a', { snapshot: db.snapshot({ timeoutMs: 200 }) })],
    ['clear', (db: Holdfast) => db.clear({ timeoutMs: 200 })],
    ['put of a sublevel', (db: Holdfast) => db.sublevel('s').put('a', '1', { timeoutMs: 200 })],
  ])('%s fails at its deadline, having done nothing, and says why', async (_, call) => {
    const db = await openedAlone();
    const { ms, error } = await world.timed(call(db));
    expect(ms).toBeGreaterThanOrEqual(200);
    expect(ms).toBeLessThanOrEqual(220);
    expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied', attempts: 0 });
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
    expect(db.health()).toMatchObject({ pending: { calls: 0, bytes: 0 }, waiting: 0 });
    await startAll();
    await world.drive(db.put('b', '2'));
    expect(await world.drive(db.keys().all())).toEqual(['b']);
  });

  test('a refusal that lasts is told as the reason', async () => {
    world.cluster.onHello = () => wireError('HOLDFAST_UNKNOWN_DATABASE');
    const db = world.client({ lazy: true });
    const { error } = await world.timed(db.get('a', { timeoutMs: 200 }));
    expect(error).toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
      cause: { code: 'HOLDFAST_UNKNOWN_DATABASE' },
    });
  });

  test('who would rather fail than wait fails as soon as the outage counts, and at once after that', async () => {
    const db = await openedAlone({ whenNoPrimary: 'fail' });
    const { ms, error } = await world.timed(db.put('a', '1'));
    expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied', attempts: 0 });
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
    expect(ms).toBeGreaterThanOrEqual(1000);
    expect(ms).toBeLessThan(1020);
    expect((await world.timed(db.get('a'))).ms).toBeLessThan(10);
  });

  test('an abort ends a call at once, and it is never made', async () => {
    const db = await openedAlone();
    const controller = new AbortController();
    const put = world.timed(db.put('a', '1', { signal: controller.signal }));
    await world.clock.advance(50);
    controller.abort();
    expect(await put).toMatchObject({ ms: 50, error: { code: 'HOLDFAST_ABORTED', outcome: 'not-applied' } });
    await startAll();
    expect(await world.drive(db.get('a'))).toBeUndefined();
  });

  test('calls beyond the bound are refused, those within it kept', async () => {
    const db = await openedAlone({ pendingCallsMax: 10 });
    const calls = Array.from({ length: 8 }, (_, at) => world.timed(db.put(`${at}`, '1', { timeoutMs: 100 })));
    const codes = (await Promise.all(calls)).map(({ error }) => (error as { code: string }).code);
    expect(codes.filter((code) => code === 'HOLDFAST_CLIENT_QUEUE_FULL')).toHaveLength(3);
    expect(codes.filter((code) => code === 'HOLDFAST_NO_PRIMARY')).toHaveLength(5);
  });

  test('it closes, ending what waits, leaves nothing behind, and opens again', async () => {
    const db = await openedAlone({ closeTimeoutMs: 100 });
    const put = world.timed(db.put('a', '1'));
    const read = world.timed(db.get('a'));
    expect((await world.timed(db.close())).ms).toBeLessThanOrEqual(100);
    expect((await put).error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'not-applied' });
    expect((await read).error).toMatchObject({ code: 'HOLDFAST_ABORTED' });
    await world.clock.advance(5000);
    expect(world.clock.timerCount).toBe(0);
    await startAll();
    await world.drive(db.open());
    expect(await world.drive(db.get('a'))).toBeUndefined();
  });
});

describe('calls of a lazy database that were made before a node was in reach', () => {
  test('are carried out when one is, each once, in their order, also on the import for `level`', async () => {
    killAll();
    const seams = { transport: world.network.transport('app'), clock: world.clock, random: new SimRandom(1) };
    const db = new Level('holdfast://n1:7100,n2:7100?lazy=true', { seams });
    const calls = Promise.all([
      db.put('a', '1'),
      db.put('a', '2', { ack: 'quorum' }),
      db.put('a', '3'),
      db.increment('n'),
      db.get('a'),
      db.iterator().next(),
    ]);
    await world.clock.advance(700);
    await startAll();
    const [, , , counted] = await world.drive(calls);
    expect(counted).toMatchObject({ value: 1 });
    expect(await world.drive(db.get('a'))).toBe('3');
    const puts = world.cluster.state.history.map((event) => event.kind === 'put' && `${event.value}`);
    expect(puts).toEqual(['1', '2', '3', '1']);
  });

  test('go by the level that nodes are configured with, unless they name one', async () => {
    const db = await openedAlone();
    const acks: string[] = [];
    const consistencies: string[] = [];
    world.cluster.defaultAck = 'local';
    world.cluster.onWrite = (_, { ack }) => void acks.push(ack) as undefined;
    world.cluster.onRead = (_, { consistency }) => void consistencies.push(consistency) as undefined;
    world.cluster.onScan = (_, { consistency }) => void consistencies.push(consistency) as undefined;
    const calls = Promise.all([
      db.put('a', '1'),
      db.put('a', '2', { ack: 'quorum' }),
      db.get('a'),
      db.get('a', { consistency: 'linearizable' }),
      db.keys().next(),
      db.keys({ consistency: 'eventual' }).next(),
    ]);
    await world.clock.advance(100);
    await startAll();
    await world.drive(calls);
    expect(acks).toEqual(['local', 'quorum']);
    expect(consistencies.sort()).toEqual(['eventual', 'linearizable', 'session', 'session']);
  });

  test('have the session of the level that they turn out to have', async () => {
    const db = await openedAlone();
    world.cluster.defaultAck = 'all';
    const calls = Promise.all([
      db.write([{ type: 'put', key: 'a', value: '1' }]),
      db.put('b', '2', { ack: 'quorum' }),
    ]);
    await world.clock.advance(100);
    await startAll();
    const [receipt] = await world.drive(calls);
    expect(receipt.ack).toBe('all');
    expect(world.cluster.state.sessions).toBe(2);
  });

  test('go by what their database says, whatever nodes are configured with', async () => {
    const db = await openedAlone({ ack: 'quorum', consistency: 'session' });
    const asked: string[] = [];
    world.cluster.defaultAck = 'all';
    world.cluster.onWrite = (_, { ack }) => void asked.push(ack) as undefined;
    world.cluster.onRead = (_, { consistency }) => void asked.push(consistency) as undefined;
    const calls = Promise.all([db.put('a', '1'), db.get('a')]);
    await startAll();
    await world.drive(calls);
    expect(asked.sort()).toEqual(['quorum', 'session']);
  });

  test.each([800, 4000])(
    'after %d ms are spread over a tenth of that, and all go, in their order',
    async (waitMs) => {
      const db = await openedAlone();
      const start = world.clock.now();
      const ends: number[] = [];
      const calls = Array.from({ length: 200 }, (_, at) =>
        db.put(`k${at}`, `${at}`).then(() => ends.push(world.clock.now())),
      );
      await world.clock.advance(waitMs);
      await startAll();
      await world.drive(Promise.all(calls));
      const outageMs = (ends[0] as number) - start;
      expect(new Set(ends).size).toBeGreaterThan(20);
      expect(Math.max(...ends) - Math.min(...ends)).toBeLessThanOrEqual(outageMs / 10);
      const values = world.cluster.state.history.map(
        (event) => event.kind === 'put' && Number(`${event.value}`),
      );
      expect(values).toEqual(Array.from(calls, (_, at) => at));
    },
  );
});

describe('a lazy database beside others of the same nodes', () => {
  function sharing(): (options: HoldfastOptions<string, string>) => Holdfast {
    const seams = { transport: world.network.transport('app'), clock: world.clock, random: new SimRandom(1) };
    return (options) => new Holdfast(['ws://n1:7100', 'ws://n2:7100'], { ...options, seams });
  }

  test('shares their links and their session', async () => {
    const make = sharing();
    const lazy = make({ namespace: 'lazy', lazy: true });
    const eager = make({ namespace: 'eager' });
    await world.drive(Promise.all([lazy.put('a', '1'), eager.put('a', '2')]));
    expect(world.cluster.node('n1').connections).toBe(1);
    expect(world.cluster.state.sessions).toBe(1);
    await world.drive(Promise.all([lazy.close(), eager.close()]));
    await world.clock.advance(10);
    expect(world.cluster.node('n1').connections).toBe(0);
  });

  test('goes on when another gives up, and another may come to wait', async () => {
    killAll();
    const make = sharing();
    const lazy = make({ namespace: 'lazy', lazy: true });
    const put = lazy.put('a', '1');
    const refused = await world.timed(make({ namespace: 'first', openTimeoutMs: 300 }).open());
    expect(refused).toMatchObject({ ms: 300, error: { code: 'LEVEL_DATABASE_NOT_OPEN' } });
    const second = make({ namespace: 'second' });
    const opening = second.open();
    await startAll();
    await world.drive(Promise.all([put, opening]));
    expect(await world.drive(second.get('a'))).toBeUndefined();
    expect(await world.drive(lazy.get('a'))).toBe('1');
    expect(world.cluster.node('n1').connections).toBe(1);
  });
});

test.each(['true', 1, null, 'yes'])('`lazy: %j` is refused', (lazy) => {
  expect(() => new Holdfast('ws://n1:1', { lazy: lazy as never })).toThrow(
    expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
  );
});

test('one that is mistyped is refused', () => {
  expect(() => new Holdfast('ws://n1:1', { lasy: true } as never)).toThrow(
    expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT', message: expect.stringContaining('lazy') }),
  );
});
