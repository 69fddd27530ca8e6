import { afterEach, expect, test } from 'vitest';
import { wireError } from '../support/fake-cluster.ts';
import { World } from '../support/world.ts';

let world: World;

afterEach(() => {
  world.kill('app');
});

test('a lane that is full refuses its own kind only', async () => {
  world = await World.start(1);
  world.cluster.onWrite = () => 'drop';
  const db = await world.opened({ lanes: { writes: { callsMax: 2 } } });
  const pending = [db.put('a', '1'), db.put('b', '2')];
  for (const put of pending) put.catch(() => undefined);
  expect(await world.timed(db.put('c', '3'))).toMatchObject({
    error: { code: 'HOLDFAST_CLIENT_QUEUE_FULL' },
  });
  expect(await world.drive(db.get('a'))).toBeUndefined();
  expect(await world.drive(db.keys().all())).toEqual([]);
  expect(db.health()?.lanes).toMatchObject({
    writes: { calls: 2, refused: 1 },
    reads: { calls: 0, refused: 0 },
    scans: { calls: 0, refused: 0 },
  });
});

test('watches that wait to be opened have a lane of their own', async () => {
  world = await World.start(1);
  world.cluster.onScan = () => 'drop';
  const db = await world.opened({ lanes: { watches: { callsMax: 1 }, scans: { callsMax: 1 } } });
  world.cluster.elect(undefined);
  await world.clock.advance(10);
  const ends = [db.watch(), db.watch()].map((watch) => world.timed(watch.next()));
  const range = world.timed(db.keys({ timeoutMs: 100 }).next());
  expect(await ends[1]).toMatchObject({ error: { code: 'HOLDFAST_CLIENT_QUEUE_FULL' } });
  expect(db.health()?.lanes).toMatchObject({ watches: { calls: 1, refused: 1 }, scans: { refused: 0 } });
  expect((await range).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
  world.cluster.elect('n1');
  await world.clock.advance(200);
  await world.drive(db.put('a', '1'));
  expect(await ends[0]).toMatchObject({ value: { value: { key: 'a' } } });
});

test('bytes count by lane; one call alone may be longer than its share', async () => {
  world = await World.start(1);
  world.cluster.onWrite = () => 'drop';
  const db = await world.opened({ pendingBytesMax: 1000 });
  const long = db.put('k', 'v'.repeat(900));
  long.catch(() => undefined);
  expect(await world.timed(db.put('c', '3'))).toMatchObject({
    error: { code: 'HOLDFAST_CLIENT_QUEUE_FULL' },
  });
  expect(await world.drive(db.get('a'))).toBeUndefined();
});

test('a mistyped lane or limit is refused', async () => {
  world = await World.start(1);
  for (const lanes of [{ write: {} }, { writes: { max: 1 } }, { reads: { callsMax: 0 } }, { scans: 3 }, 7])
    expect(() => world.client({ lanes: lanes as never })).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
    );
});

test('writes wait for a range read to begin, and not for a first page that does not come', async () => {
  world = await World.start(1);
  world.cluster.onScan = () => 'open';
  const db = await world.opened();
  const stuck = world.timed(db.keys().all());
  expect((await world.timed(db.put('a', '1'))).ms).toBeLessThan(20);
  world.kill('n1');
  // What it held cannot be had again: a write has come since.
  expect(await stuck).toMatchObject({ error: { code: 'HOLDFAST_SNAPSHOT_LOST' } });
});

test('a range read that begun and is lost begins again elsewhere if nothing was written since', async () => {
  world = await World.start(3);
  const db = await world.opened();
  await world.drive(db.put('a', '1'));
  world.cluster.onScan = (node) => (node.id === 'n1' ? 'open' : undefined);
  const range = world.timed(db.keys().all());
  await world.clock.advance(50);
  world.kill('n1');
  world.cluster.elect('n2');
  expect(await range).toMatchObject({ value: ['a'] });
});

test('a range read that finds no room is asked again, but not while writes wait for it', async () => {
  world = await World.start(1);
  let refusals = 0;
  world.cluster.onScan = () => {
    refusals += 1;
    return refusals < 3 ? wireError('HOLDFAST_OVERLOADED', { retryAfterMs: 50 }) : undefined;
  };
  const db = await world.opened();
  expect(await world.drive(db.keys().all())).toEqual([]);
  refusals = 0;
  const range = world.timed(db.keys().all());
  const put = await world.timed(db.put('a', '1'));
  expect(put.ms).toBeLessThan(20);
  expect(await range).toMatchObject({ error: { code: 'HOLDFAST_OVERLOADED', retryAfterMs: 50 } });
});

test('range reads that get no answer do not have their node left out', async () => {
  world = await World.start(3);
  world.cluster.onScan = () => 'open';
  const db = await world.opened({ timeoutMs: 300 });
  const ranges = Array.from({ length: 40 }, () => world.timed(db.keys().all()));
  for (const range of await world.drive(Promise.all(ranges)))
    expect(range).toMatchObject({ error: { code: 'HOLDFAST_DEADLINE_EXCEEDED' } });
  expect(db.health()?.nodes.map(({ breaker }) => breaker)).toEqual(['closed', 'closed', 'closed']);
});
