import { encodeServerMessages } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

const RUNS = {
  numRuns: process.env.HOLDFAST_LONG === '1' ? 2000 : 60,
};

const number = fc.oneof(fc.nat({ max: 12 }), fc.maxSafeNat());
const receipt = fc.record({
  result: fc.oneof(
    fc.record({ kind: fc.constant('written'), revision: number }),
    fc.record({ kind: fc.constant('counter'), value: fc.maxSafeInteger(), revision: number }),
    fc.record({ kind: fc.constant('conflict'), condition: fc.nat({ max: 255 }), revision: number }),
  ),
  term: number,
  index: number,
  ack: fc.constantFrom('local', 'quorum', 'all'),
  copies: fc.nat({ max: 9 }),
  repeated: fc.boolean(),
});
const error = fc
  .constantFrom(
    'HOLDFAST_SESSION_EXPIRED',
    'HOLDFAST_SESSION_DIVERGED',
    'HOLDFAST_OVERLOADED',
    'HOLDFAST_CONFLICT',
    'HOLDFAST_NOT_PRIMARY',
  )
  .map((code) => wireError(code as never, { detail: -5, retryAfterMs: 1e12 }));
const item = fc.option(fc.record({ value: fc.uint8Array({ maxLength: 4 }), revision: number }), {
  nil: undefined,
});
const answer = fc.record({
  items: fc.array(item, { maxLength: 3 }),
  revision: number,
  stalenessMs: fc.constant(-1),
});
const topology = fc.record(
  {
    term: number,
    primary: fc.constantFrom('n1', 'n2', 'n9'),
    nodes: fc.array(
      fc.record({ id: fc.constantFrom('n1', 'n9'), url: fc.constantFrom('ws://n1:7100', 'x', 'ws://[', '') }),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['term', 'nodes'] },
);
/** Well-formed, and nonsense. */
const message = fc.oneof(
  fc.record({
    kind: fc.constant('writeReplies'),
    replies: fc.array(fc.oneof(fc.record({ id: number, receipt }), fc.record({ id: number, error }))),
  }),
  fc.record({
    kind: fc.constant('readReplies'),
    replies: fc.array(fc.oneof(fc.record({ id: number, answer }), fc.record({ id: number, error }))),
  }),
  fc.record({
    kind: fc.constant('scanPage'),
    id: number,
    records: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 3 }),
    done: fc.boolean(),
    revision: number,
    stalenessMs: fc.constant(0),
  }),
  fc.record({ kind: fc.constant('topology'), topology }),
  fc.record({ kind: fc.constant('sessionOpened'), id: number, session: fc.constant('1.2.3') }),
  fc.record({ kind: fc.constantFrom('sessionClosed', 'pong'), id: number }),
  fc.record({ kind: fc.constant('failed'), id: number, error }),
);
const frame = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.array(message, { maxLength: 4 }).chain((messages) => {
    let bytes: Uint8Array;
    try {
      bytes = Uint8Array.from(encodeServerMessages(messages as never));
    } catch {
      bytes = new Uint8Array(1);
    }
    return fc.constant(bytes);
  }),
);

test('whatever a node sends, the client neither throws nor hangs, and goes on when the node behaves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async (frames) => {
      const world = await World.start();
      const db = await world.opened({ timeoutMs: 2000 });
      await world.drive(db.put('a', '1'));
      const calls = [
        db.put('b', '2'),
        db.get('a'),
        db.increment('n'),
        db.iterator().all(),
        db.get('a', { consistency: 'eventual' }),
      ];
      const settled = Promise.allSettled(calls);
      for (const bytes of frames) {
        world.cluster.node('n1').sendRaw(bytes);
        await world.clock.advance(1);
      }
      const { ms } = await world.timed(settled);
      expect(ms).toBeLessThanOrEqual(2020);
      await world.drive(db.close());
      const sound = await world.opened();
      await world.drive(sound.put('c', '3'));
      expect(await world.drive(sound.get('c'))).toBe('3');
    }),
    RUNS,
  );
}, 120_000);

test('an answer to another question, or of a lower level, is not taken for one', async () => {
  const world = await World.start(1);
  const db = await world.opened({}, ['ws://n1:7100']);
  await world.drive(db.put('a', '1'));
  const { state } = world.cluster;
  const write = state.write.bind(state);
  let lies = 1;
  state.write = (...given) => {
    const honest = write(...given);
    if (honest === undefined || honest === 'closed' || lies === 0) return honest;
    lies -= 1;
    return { ...honest, ack: 'local' };
  };
  await world.drive(db.write([{ type: 'put', key: 'b', value: '2' }], { ack: 'all' })).then((receipt) => {
    expect(receipt).toMatchObject({ ack: 'all', repeated: true });
  });
});

test('an undecodable frame ends the connection, and only that one', async () => {
  const world = await World.start();
  const db = await world.opened();
  await world.drive(db.put('a', '1'));
  const hellos = () =>
    world.cluster.nodes.map(({ received }) => received.filter(({ kind }) => kind === 'hello').length);
  world.cluster.node('n1').sendRaw(Uint8Array.of(0xc1));
  await world.clock.advance(100);
  expect(hellos()).toEqual([2, 1, 1]);
  await world.drive(db.put('a', '2'));
});

describe('a node that was linked is tried again', () => {
  const GARBAGE = Uint8Array.of(0xc1);

  /** When it was greeted; `afterMs`: it breaks the protocol so long after it has welcomed a client. */
  async function greeted(afterMs: number): Promise<{ world: World; greetedAt: number[] }> {
    const world = await World.start(1);
    const { cluster, clock } = world;
    const welcome = cluster.welcome.bind(cluster);
    const greetedAt: number[] = [];
    cluster.welcome = (...given) => {
      greetedAt.push(clock.now());
      if (Number.isFinite(afterMs)) clock.setTimer(afterMs, () => cluster.node('n1').sendRaw(GARBAGE));
      return welcome(...given);
    };
    return { world, greetedAt };
  }

  test('less and less often, if it breaks the protocol as soon as it has welcomed its client', async () => {
    const { world, greetedAt } = await greeted(0);
    const db = world.client({ lazy: true }, ['ws://n1:7100']);
    await world.clock.advance(10_000);
    expect(greetedAt.length).toBeGreaterThan(10);
    expect(greetedAt.length).toBeLessThan(50);
    await world.drive(db.close());
  });

  test('at once, if that has lasted for a while', async () => {
    const { world, greetedAt } = await greeted(600);
    const db = world.client({ lazy: true }, ['ws://n1:7100']);
    await world.clock.advance(10_000);
    expect(greetedAt.length).toBeGreaterThan(14);
    await world.drive(db.close());
  });

  test('at once, if it has answered something', async () => {
    const { world, greetedAt } = await greeted(Number.POSITIVE_INFINITY);
    const db = await world.opened({}, ['ws://n1:7100']);
    for (let count = 0; count < 20; count += 1) {
      await world.drive(db.get('a'));
      world.cluster.node('n1').hangUp();
      const cutAt = world.clock.now();
      await world.clock.advance(30);
      expect(greetedAt.at(-1)).toBeGreaterThan(cutAt);
    }
    await world.drive(db.close());
  });

  test('less and less often, if it answers something and breaks the protocol then', async () => {
    const { world, greetedAt } = await greeted(Number.POSITIVE_INFINITY);
    const db = await world.opened({}, ['ws://n1:7100']);
    const endAt = world.clock.now() + 10_000;
    while (world.clock.now() < endAt) {
      await world.drive(db.get('a'));
      world.cluster.node('n1').sendRaw(GARBAGE);
    }
    expect(greetedAt.length).toBeGreaterThan(10);
    expect(greetedAt.length).toBeLessThan(50);
    await world.drive(db.close());
  });

  test('less and less often, if what it answers is nonsense', async () => {
    const { world, greetedAt } = await greeted(Number.POSITIVE_INFINITY);
    const db = await world.opened({ consistency: 'eventual', retry: { budgetMax: 1e6 } }, ['ws://n1:7100']);
    const { cluster } = world;
    cluster.state.get = () => ({ value: Uint8Array.of(1), revision: -1 as never });
    await world.timed(db.get('a', { timeoutMs: 10_000 }));
    expect(greetedAt.length).toBeLessThan(60);
    await world.drive(db.close());
  });
});
