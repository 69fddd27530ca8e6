import { beforeEach, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});

type Call = (db: Holdfast, options: { signal: AbortSignal }) => Promise<unknown>;
const CALLS: [string, Call][] = [
  ['write', (db, options) => db.write([{ type: 'put', key: 'a', value: '1' }], options)],
  ['read', (db, options) => db.read('a', options)],
  ['increment', (db, options) => db.increment('n', 1, options)],
  ['transaction', (db, options) => db.transaction({ then: [{ type: 'increment', key: 'n' }] }, options)],
  ['update', (db, options) => db.update('a', () => '1', options)],
  ['write of a sublevel', (db, options) => db.sublevel('s').increment('n', 1, options)],
];

test.each(CALLS)('aborted while the database opens %s ends at once, and is never made', async (_, call) => {
  for (const id of ['n1', 'n2', 'n3']) world.kill(id);
  const db = world.client();
  const controller = new AbortController();
  const made = world.timed(call(db, { signal: controller.signal }));
  await world.clock.advance(50);
  controller.abort(new Error('enough'));
  const { ms, error } = await made;
  expect(ms).toBeLessThan(60);
  expect(error).toMatchObject({
    code: 'HOLDFAST_ABORTED',
    outcome: 'not-applied',
    cause: { message: 'enough' },
  });
  for (const node of world.cluster.nodes) await node.start();
  await world.drive(db.open());
  await world.clock.advance(100);
  for (const key of ['a', 'n', '!s!n']) expect(await world.drive(db.get(key))).toBeUndefined();
  // One that was aborted before it was made is no different.
  const other = world.client();
  expect((await world.timed(call(other, { signal: controller.signal }))).error).toMatchObject({
    code: 'HOLDFAST_ABORTED',
  });
});

test.each(CALLS)('%s with a signal that stays quiet is made once the database is open', async (_, call) => {
  const db = world.client();
  const { signal } = new AbortController();
  await world.drive(call(db, { signal }));
  expect(db.status).toBe('open');
});

test('a database that does not open says so to those with a signal as well', async () => {
  for (const id of ['n1', 'n2', 'n3']) world.kill(id);
  const db = world.client({ openTimeoutMs: 100 });
  const { signal } = new AbortController();
  for (const made of [world.timed(db.increment('n', 1, { signal })), world.timed(db.read('a', { signal }))])
    expect((await made).error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
});
