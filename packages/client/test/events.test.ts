import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClientEvent, Holdfast, Topology } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
let db: Holdfast;

beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

afterEach(() => {
  world.kill('app');
});

/** All until it ends. */
async function collected(feed: AsyncIterable<ClientEvent>): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  for await (const event of feed) events.push(event);
  return events;
}

const NODES = ['n1', 'n2', 'n3'].map((id) => ({ id, url: `ws://${id}:7100` }));

test('the topology is told whole, whenever its term, its primary or an address changes', async () => {
  const told: Topology[] = [];
  db.on('topology', (topology) => told.push(topology));
  expect(db.topology()).toEqual({ term: 1, primary: 'n1', nodes: NODES });
  world.cluster.elect(undefined);
  await world.clock.advance(10);
  world.cluster.elect('n2');
  await world.clock.advance(10);
  expect(told).toEqual([
    { term: 2, nodes: NODES },
    { term: 3, primary: 'n2', nodes: NODES },
  ]);
  expect(db.topology()).toEqual(told[1]);
});

test('what a client goes through is told in order, with its time, until the database is closed', async () => {
  const feed = db.events();
  const events = collected(feed);
  const from = world.clock.now();
  world.cluster.elect('n2');
  await world.clock.advance(100);
  for (const id of ['n1', 'n2', 'n3']) world.kill(id);
  await world.clock.advance(10);
  await world.cluster.node('n3').start();
  await world.clock.advance(1000);
  await world.drive(db.close());
  const told = await world.drive(events);
  expect(told.map(({ event, detail }) => [event, detail])).toEqual([
    ['topology', { term: 2, primary: 'n2', nodes: NODES }],
    ['primary', { term: 2, primary: 'n2' }],
    ['disconnected', {}],
    ['reconnected', { node: 'n3', afterMs: expect.any(Number) }],
  ]);
  const times = told.map(({ atMs }) => atMs - from);
  expect(times[0]).toBeLessThan(10);
  expect(times[2]).toBeGreaterThanOrEqual(100);
  expect(times).toEqual(times.toSorted((left, right) => left - right));
  expect(told.every(({ missed }) => missed === 0)).toBe(true);
  expect(await feed.next()).toEqual({ done: true, value: undefined });
});

test('of what nobody takes the oldest goes, and is counted', async () => {
  const feed = db.events();
  for (let term = 0; term < 600; term += 1) {
    world.cluster.elect(term % 2 === 0 ? 'n2' : 'n3');
    await world.clock.advance(3);
  }
  // A topology and a primary of each.
  const { value: first } = await world.drive(feed.next());
  expect(first).toMatchObject({ event: 'topology', missed: 200, detail: { term: 102 } });
  const { value: second } = await world.drive(feed.next());
  expect(second).toMatchObject({ event: 'primary', missed: 0, detail: { term: 102 } });
  await feed.return();
  expect(await feed.next()).toEqual({ done: true, value: undefined });
});

test('it waits for nothing: on a database that opens, and whose opening fails', async () => {
  for (const id of ['n1', 'n2', 'n3']) world.kill(id);
  const other = world.client({ openTimeoutMs: 100 });
  const next = other.events().next();
  await world.timed(other.open());
  expect(await world.drive(next)).toEqual({ done: true, value: undefined });
  expect(() => other.events()).toThrow(expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }));
});

test('it ends by its signal, by close and by leaving the loop, and listens to nothing after that', async () => {
  const aborter = new AbortController();
  const aborted = db.events({ signal: aborter.signal });
  const next = world.timed(aborted.next());
  aborter.abort('enough');
  expect((await next).error).toMatchObject({ code: 'HOLDFAST_ABORTED', cause: 'enough' });
  expect(await aborted.next()).toEqual({ done: true, value: undefined });
  const late = db.events({ signal: aborter.signal });
  expect((await world.timed(late.next())).error).toMatchObject({ code: 'HOLDFAST_ABORTED' });
  await using closed = db.events();
  const left = db.events();
  world.cluster.elect('n2');
  await world.clock.advance(10);
  await closed.close();
  for await (const { event } of left) {
    expect(event).toBe('topology');
    break;
  }
  world.cluster.elect('n3');
  await world.clock.advance(10);
  // What had come before.
  expect(await collected(closed)).toMatchObject([{ event: 'topology' }, { event: 'primary' }]);
  expect(await collected(left)).toEqual([]);
});

test('an option that it does not have is refused', () => {
  for (const options of [{ singal: AbortSignal.abort() }, { signal: 5 }])
    expect(() => db.events(options as object)).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
    );
});

test('it is of the whole database: a sublevel has none', () => {
  const sublevel = db.sublevel('part');
  expect('events' in sublevel).toBe(false);
  expect(db.supports.additionalMethods).toMatchObject({ events: true });
  expect(sublevel.supports.additionalMethods).not.toHaveProperty('events');
});
