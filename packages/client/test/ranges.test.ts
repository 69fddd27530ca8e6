import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

const COUNT = 3000;
let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
  const operations = Array.from(
    { length: COUNT },
    (_, number) => ({ type: 'put', key: key(number), value: `${number}` }) as const,
  );
  await world.drive(db.batch(operations));
});

const key = (number: number): string => `k${String(number).padStart(5, '0')}`;

describe('a range read', () => {
  test('comes page by page, both ways, within bounds and limit', async () => {
    const all = await world.drive(db.keys().all());
    expect(all).toHaveLength(COUNT);
    expect(await world.drive(db.keys({ reverse: true }).all())).toEqual([...all].reverse());
    expect(await world.drive(db.values({ gt: key(10), lte: key(12) }).all())).toEqual(['11', '12']);
    expect(await world.drive(db.keys({ limit: 700, gte: key(5) }).all())).toEqual(all.slice(5, 705));
    await world.clock.advance(5);
    expect(world.cluster.node('n1').openScans).toBe(0);
  });

  test('that comes back to a node which has not answered yet is another one to it', async () => {
    world.cluster.onScan = () => 'drop';
    const all = db.keys({ limit: 1 }).all();
    await world.clock.advance(10);
    for (const primary of ['n2', 'n1', 'n3', 'n1']) {
      world.cluster.elect(primary);
      await world.clock.advance(20);
    }
    const asked = world.cluster.node('n1').received.filter((message) => message.kind === 'scanOpen');
    expect(asked.length).toBeGreaterThan(1);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(asked.length);
    world.cluster.onScan = () => undefined;
    world.cluster.elect('n2');
    expect(await world.drive(all)).toEqual([key(0)]);
  });

  test('seeks anywhere, back as well, and keeps its limit', async () => {
    const iterator = db.keys({ limit: 4, gte: key(1), lt: key(2000) });
    expect(await world.drive(iterator.next())).toBe(key(1));
    iterator.seek(key(1500));
    expect(await world.drive(iterator.nextv(2))).toEqual([key(1500), key(1501)]);
    iterator.seek(key(2));
    expect(await world.drive(iterator.all())).toEqual([key(2)]);
    const outside = db.keys({ lt: key(10) });
    outside.seek(key(10));
    expect(await world.drive(outside.next())).toBeUndefined();
    await world.drive(outside.close());
  });

  test('sees the state of when it was made, whatever is written before it is read', async () => {
    const iterator = db.values({ gte: key(0), limit: 1 });
    const written = db.put(key(0), 'later');
    expect(await world.drive(iterator.all())).toEqual(['0']);
    await world.drive(written);
    expect(await world.drive(db.get(key(0)))).toBe('later');
  });

  test('writes wait for the snapshot even if its node is slow', async () => {
    world.network.setLatency('n1', 'app', 80);
    const iterator = db.values({ gte: key(0), limit: 1 });
    await world.clock.advance(20);
    await world.drive(db.put(key(0), 'later'));
    expect(await world.drive(iterator.all())).toEqual(['0']);
  });

  test('begins again by itself if its node is lost before anything was read', async () => {
    const iterator = db.keys();
    iterator.seek(key(2999));
    await world.clock.advance(10);
    world.kill('n1');
    world.cluster.elect('n2');
    await world.clock.advance(20);
    expect(await world.drive(iterator.all())).toEqual([key(2999)]);
  });

  test('is lost with its node once something was written: a new one would show it', async () => {
    const iterator = db.keys();
    await world.clock.advance(10);
    await world.drive(db.put('a new one', '1'));
    world.kill('n1');
    world.cluster.elect('n2');
    await world.clock.advance(20);
    const rest = (async () => {
      while ((await iterator.next()) !== undefined);
    })();
    expect((await world.timed(rest)).error).toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    await world.drive(iterator.close());
  });

  test('is lost with its node once something was read', async () => {
    const iterator = db.keys();
    expect(await world.drive(iterator.nextv(256))).toHaveLength(256);
    world.kill('n1');
    world.cluster.elect('n2');
    await world.clock.advance(20);
    expect((await world.timed(iterator.next())).error).toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    await world.drive(iterator.close());
  });

  test('a page that was not answered in time is not left out by the next turn', async () => {
    const iterator = db.keys({ timeoutMs: 100 });
    expect(await world.drive(iterator.nextv(256))).toHaveLength(256);
    world.network.setLatency('n1', 'app', 300);
    expect((await world.timed(iterator.next())).error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED' });
    world.network.setLatency('n1', 'app', 1);
    await world.clock.advance(500);
    expect((await world.timed(iterator.next())).error).toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    iterator.seek(key(256));
    expect(await world.drive(iterator.nextv(1000))).toHaveLength(1000);
    expect(await world.drive(iterator.next())).toBe(key(1256));
    await world.drive(iterator.close());
  });

  test('a refusal of the range is the reader’s to know', async () => {
    world.cluster.onScan = () => wireError('HOLDFAST_INVALID_ARGUMENT');
    expect((await world.timed(db.keys().all())).error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  });

  test('a node that loses every snapshot is not asked for ever', async () => {
    world.cluster.scansLost = true;
    const iterator = db.keys();
    iterator.seek(key(5));
    expect((await world.timed(iterator.next())).error).toMatchObject({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    await world.drive(iterator.close());
  });

  test('closed before its first page has come, it leaves no snapshot behind', async () => {
    const iterator = db.keys();
    await world.clock.advance(0);
    await world.drive(iterator.close());
    expect(world.cluster.node('n1').openScans).toBe(0);
    await world.clock.advance(20);
    expect(world.cluster.node('n1').openScans).toBe(0);
  });

  test('an aborted read ends at once', async () => {
    world.cluster.node('n1').freeze();
    const abort = new AbortController();
    const iterator = db.keys({ signal: abort.signal });
    const next = iterator.next();
    await world.clock.advance(5);
    abort.abort();
    const { ms, error } = await world.timed(next);
    expect(error).toMatchObject({ code: 'LEVEL_ABORTED', name: 'AbortError' });
    expect(ms).toBeLessThan(1);
    await world.drive(iterator.close());
  });
});
