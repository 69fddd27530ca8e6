import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Holdfast } from '../../src/index.ts';
import { type Treatment, wireError } from '../support/fake-cluster.ts';
import { World } from '../support/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.start();
});

afterEach(() => {
  world.kill('app');
});

/** What `db` announces from now on. */
function eventsOf(db: Holdfast): [string, unknown][] {
  const events: [string, unknown][] = [];
  for (const event of ['primary', 'disconnected', 'reconnected', 'breaker'] as const)
    db.on(event, (detail: object) => events.push([event, detail]));
  return events;
}

describe('options', () => {
  test('a mistyped one is refused, a foreign one is left to hooks', () => {
    for (const options of [{ timeoutMS: 5 }, { time_out_ms: 5 }, { acks: 'all' }, { brekaer: {} }]) {
      expect(() => new Holdfast('ws://n1', options as object)).toThrow(
        expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
      );
    }
    const db = world.client({ userland: 1 } as object);
    expect(db.status).toBe('opening');
  });

  test('the parts of resilience are checked by name and value', () => {
    for (const options of [
      { retry: { budgetmax: 5 } },
      { retry: 5 },
      { breaker: { windowMs: '5' } },
      { breaker: { failureShare: -1 } },
      { release: { jitterShare: Number.NaN } },
    ]) {
      expect(() => world.client(options as object)).toThrow(
        expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
      );
    }
  });
});

test('health tells nodes, calls and counters', async () => {
  const db = world.client();
  expect(db.health()).toBeUndefined();
  await world.drive(db.open());
  await world.clock.advance(10);
  await world.drive(db.put('a', '1'));
  await world.drive(db.get('a'));
  expect(db.health()).toMatchObject({
    connected: true,
    term: 1,
    primary: 'n1',
    nodes: [
      { id: 'n1', linked: true, silent: false, breaker: 'closed' },
      { id: 'n2', linked: true, breaker: 'closed' },
      { id: 'n3', linked: true, breaker: 'closed' },
    ],
    pending: { calls: 0, bytes: 0 },
    waiting: 0,
    retryBudget: 50,
    counters: { calls: 2, succeeded: 2, failed: 0, attempts: 2, retries: 0, redeliveries: 0 },
  });
});

test('the way to a primary and back is told as events', async () => {
  const db = await world.opened();
  const events = eventsOf(db);
  world.cluster.elect(undefined);
  await world.clock.advance(10);
  world.cluster.elect('n2');
  await world.clock.advance(10);
  for (const id of ['n1', 'n2', 'n3']) world.kill(id);
  await world.clock.advance(10);
  await world.cluster.node('n3').start();
  await world.clock.advance(1000);
  expect(events).toEqual([
    ['primary', { term: 2 }],
    ['primary', { term: 3, primary: 'n2' }],
    ['disconnected', {}],
    ['reconnected', { node: 'n3', afterMs: expect.any(Number) }],
  ]);
});

describe('retries', () => {
  test('when every node refuses, requests sent stay below 1.2 for each call', async () => {
    world.cluster.onWrite = () => wireError('HOLDFAST_OVERLOADED');
    world.cluster.onRead = () => wireError('HOLDFAST_OVERLOADED');
    const db = await world.opened();
    const before = world.cluster.nodes.reduce((sum, node) => sum + node.frames, 0);
    const calls: Promise<unknown>[] = [];
    for (let round = 0; round < 500; round += 1) {
      calls.push(world.timed(db.put(`k${round}`, '1', { timeoutMs: 1000 })));
      calls.push(world.timed(db.get(`k${round}`, { timeoutMs: 1000 })));
      await world.clock.advance(5);
    }
    const ends = (await Promise.all(calls)) as { error?: { code: string; outcome: string } }[];
    for (const { error } of ends) expect(error?.outcome).toBe('not-applied');
    expect(ends.some(({ error }) => error?.code === 'HOLDFAST_OVERLOADED')).toBe(true);
    const requests = world.cluster.nodes.reduce((sum, node) => sum + node.requests, 0);
    const frames = world.cluster.nodes.reduce((sum, node) => sum + node.frames, 0) - before;
    expect(requests).toBeLessThanOrEqual(1.2 * calls.length);
    expect(frames).toBeLessThanOrEqual(1.2 * calls.length);
    expect(db.health()?.counters.breakerOpenings).toBeGreaterThan(0);
  });

  test('what is refused for a moment succeeds, however much it is', async () => {
    const db = await world.opened();
    await world.drive(db.put('before', '1'));
    const until = world.clock.now() + 100;
    world.cluster.onWrite = () => (world.clock.now() < until ? wireError('HOLDFAST_OVERLOADED') : undefined);
    const calls = Array.from({ length: 1000 }, (_, number) => db.increment(`k${number}`));
    const results = await world.drive(Promise.all(calls));
    expect(results.every(({ value }) => value === 1)).toBe(true);
  });

  test.each([0, 0.5])('with a budget of %s there are none that are charged', async (budgetMax) => {
    const db = await world.opened({ retry: { budgetMax } });
    await world.drive(db.put('before', '1'));
    const refuseOnce = (key: string): Treatment => {
      if (refused.has(key)) return undefined;
      refused.add(key);
      return wireError('HOLDFAST_OVERLOADED');
    };
    const refused = new Set<string>();
    world.cluster.onWrite = (_, { operations: [operation] }) => refuseOnce(`write ${operation?.key}`);
    world.cluster.onRead = (_, { keys: [key] }) => refuseOnce(`read ${key}`);
    // Each waits for a token that never comes, and says why at its deadline.
    const calls = [db.put('a', '1', { timeoutMs: 500 }), db.get('a', { timeoutMs: 500 })];
    for (const { ms, error } of await Promise.all(calls.map((call) => world.timed(call)))) {
      expect(error).toMatchObject({ code: 'HOLDFAST_OVERLOADED', outcome: 'not-applied', attempts: 1 });
      expect(ms).toBeLessThan(520);
    }
    // What goes well goes well, and what a new primary is owed it gets.
    await world.drive(db.put('a', '2'));
    const owed = db.increment('n');
    await world.clock.advance(50);
    world.cluster.elect('n2');
    expect(await world.drive(owed)).toMatchObject({ value: 1 });
    expect(db.health()).toMatchObject({ retryBudget: budgetMax, counters: { retries: 0, redeliveries: 1 } });
  });
});

describe('breaker', () => {
  test('a frozen primary is asked for nothing more, and its writes are not unknown', async () => {
    const db = await world.opened();
    const events = eventsOf(db);
    await world.drive(db.put('a', '1'));
    world.cluster.node('n1').freeze();
    const lost = world.timed(db.put('a', '2', { timeoutMs: 1000 }));
    await world.clock.advance(600);
    expect(events).toContainEqual(['breaker', { node: 'n1', state: 'open', cause: 'silent' }]);
    const late = world.timed(db.put('b', '1', { timeoutMs: 300 }));
    expect((await late).error).toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
      outcome: 'not-applied',
      attempts: 0,
    });
    expect((await lost).error).toMatchObject({ outcome: 'unknown' });
    world.cluster.node('n1').thaw();
    await world.clock.advance(500);
    expect(events).toContainEqual(['breaker', { node: 'n1', state: 'closed' }]);
    expect((await world.timed(db.put('b', '2'))).ms).toBeLessThan(10);
  });

  test('it does not hold back what is owed to a node that becomes primary', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.onRead = (node) => (node.id === 'n2' ? wireError('HOLDFAST_OVERLOADED') : undefined);
    world.cluster.node('n1').freeze();
    await world.clock.advance(500);
    const reads = Array.from({ length: 60 }, () => db.get('a', { consistency: 'eventual' }));
    await world.drive(Promise.all(reads));
    const call = db.put('a', '2');
    world.cluster.elect('n2');
    // Not longer than a tenth of the outage, over which it may be spread.
    expect((await world.timed(call)).ms).toBeLessThan(100);
  });

  test('with all nodes left out one probe at a time still goes through', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.onRead = () => wireError('HOLDFAST_OVERLOADED');
    for (let volley = 0; volley < 3; volley += 1) {
      const refused = Array.from({ length: 50 }, () =>
        world.timed(db.get('a', { consistency: 'eventual', timeoutMs: 200 })),
      );
      await Promise.all(refused);
    }
    expect(db.health()?.nodes.map(({ breaker }) => breaker)).not.toContain('closed');
    world.cluster.onRead = () => undefined;
    expect((await world.timed(db.get('a', { consistency: 'eventual' }))).ms).toBeLessThan(1500);
    expect(db.health()?.nodes.map(({ breaker }) => breaker)).toContain('closed');
  });

  test('a node that fell silent is trusted again once it welcomes the client over a new link', async () => {
    const db = await world.opened();
    const events = eventsOf(db);
    await world.drive(db.put('a', '1'));
    world.cluster.node('n2').freeze();
    await world.drive(db.get('a', { readPreference: 'standby', consistency: 'eventual' }));
    await world.clock.advance(1000);
    expect(events).toContainEqual(['breaker', { node: 'n2', state: 'open', cause: 'silent' }]);
    world.kill('n2');
    await world.clock.advance(10);
    world.cluster.node('n2').thaw();
    await world.cluster.node('n2').start();
    await world.clock.advance(1000);
    expect(events.at(-1)).toEqual(['breaker', { node: 'n2', state: 'closed' }]);
  });

  test('a primary that cannot be reached is asked through another node', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.node('n1').freeze();
    world.cluster.standbysAsk = true;
    await world.drive(db.get('a', { timeoutMs: 1000 }).catch(() => undefined));
    const { ms, value } = await world.timed(db.get('a'));
    expect(value).toBe('1');
    expect(ms).toBeLessThan(10);
  });

  test('so is what it was asked before it fell silent for this client alone', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.standbysAsk = true;
    world.cluster.node('n1').freeze();
    const reads = [
      db.get('a'),
      db.getMany(['a']).then(([value]) => value),
      db
        .iterator()
        .all()
        .then(([entry]) => entry?.[1]),
      db.get('a', { readPreference: 'standby' }),
    ];
    for (const { ms, value } of await Promise.all(reads.map((read) => world.timed(read)))) {
      expect(value).toBe('1');
      // A ping after 200 ms, and 200 ms for its answer.
      expect(ms).toBeLessThan(500);
    }
    // Repeats, each of which brought its token back.
    expect(db.health()).toMatchObject({ retryBudget: 50, counters: { retries: 3, redeliveries: 0 } });
    world.cluster.node('n1').thaw();
    expect((await world.timed(db.get('a'))).ms).toBeLessThan(10);
  });

  test('and of yet another, if that falls silent, too', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.node('n1').freeze();
    await world.drive(db.get('a', { timeoutMs: 1000 }).catch(() => undefined));
    world.cluster.standbysAsk = true;
    let isFirst = true;
    world.cluster.onRead = (node) => {
      if (!isFirst) return undefined;
      isFirst = false;
      node.freeze();
      return 'drop';
    };
    const { ms, value } = await world.timed(db.get('a'));
    expect(value).toBe('1');
    // A ping after 200 ms, and 200 ms for its answer.
    expect(ms).toBeLessThan(500);
  });

  test('nor does that end for a while when the link with it is given up', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.standbysAsk = true;
    world.cluster.node('n1').freeze();
    await world.drive(db.get('a', { timeoutMs: 500 }).catch(() => undefined));
    const isLinked = (): boolean | undefined => db.health()?.nodes[0]?.linked;
    for (let tenth = 0; tenth < 60; tenth += 1) {
      const { ms, value } = await world.timed(db.get('a'));
      expect(value).toBe('1');
      expect(ms, `with a link: ${isLinked()}`).toBeLessThan(10);
      await world.clock.advance(100);
    }
    expect(isLinked()).toBe(false);
  });

  test('so is one that this client alone has no connection to', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.standbysAsk = true;
    world.kill('n1');
    const first = await world.timed(db.get('a'));
    expect(first.value).toBe('1');
    // Not at once: if it is dead, another one is primary soon.
    expect(first.ms).toBeGreaterThanOrEqual(500);
    expect(first.ms).toBeLessThan(550);
    expect((await world.timed(db.get('a'))).ms).toBeLessThan(10);
  });

  test.each(['n2', 'n3'])('whichever of the others reaches it: not %s', async (cutOff) => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.standbysAsk = true;
    world.cluster.onRead = ({ id }) => (id === cutOff ? wireError('HOLDFAST_NO_PRIMARY') : undefined);
    const ask = (): Promise<unknown> => world.drive(db.get('a', { timeoutMs: 1000 }).catch(() => undefined));
    world.cluster.node('n1').freeze();
    await ask();
    expect(await ask()).toBe('1');
    world.kill('n1');
    await ask();
    expect(await ask()).toBe('1');
  });
});

test('calls end at their deadlines while others are let go little by little', async () => {
  const db = await world.opened();
  await world.drive(db.put('before', '1'));
  const timeoutMs = 1000;
  const late: number[] = [];
  world.cluster.elect(undefined);
  for (let round = 0; round < 400; round += 1) {
    if (round % 10 === 0) {
      const deadline = world.clock.now() + timeoutMs;
      const ended = (): void => void late.push(world.clock.now() - deadline);
      db.put(`k${round}`, '1', { timeoutMs }).then(ended, ended);
    }
    await world.clock.advance(10);
  }
  world.cluster.onWrite = () => 'drop';
  world.cluster.elect('n2');
  await world.clock.advance(2 * timeoutMs);
  expect(late).toHaveLength(40);
  // Two steps of the timer behind all deadlines.
  expect(Math.max(...late)).toBeLessThanOrEqual(20);
});

test('a write that was sent before an outage goes before one issued right after it', async () => {
  const db = await world.opened();
  await world.drive(db.put('before', '1'));
  const order: string[] = [];
  world.cluster.onWrite = (node, { operations: [operation] }) => {
    if (node.id === 'n1') return 'drop';
    if (operation?.kind === 'put') order.push(Buffer.from(operation.value).toString());
    return undefined;
  };
  const first = db.put('a', 'first');
  await world.clock.advance(5);
  world.kill('n1');
  await world.clock.advance(50);
  world.cluster.elect('n2');
  // In turns without a tick, until everything may go.
  const calls = [first];
  for (let turn = 0; turn < 40; turn += 1) {
    await world.clock.advance(0.25);
    calls.push(db.put('a', `${turn}`));
  }
  await world.drive(Promise.all(calls));
  expect(order[0]).toBe('first');
  expect(order).toHaveLength(calls.length);
});
