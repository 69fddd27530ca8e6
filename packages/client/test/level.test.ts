import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimRandom } from '@holdfast/sim';
import { expect, expectTypeOf, test } from 'vitest';
import { type DatabaseOptions, type GetOptions, Level } from '../src/level.ts';
import type { programForLevel } from './support/program-for-level.ts';
import type { programForLevel as moved } from './support/program-moved-from-level.ts';
import { World } from './support/world.ts';

interface User {
  readonly name: string;
}

async function opened(options: DatabaseOptions<string, User> = {}): Promise<[World, Level<string, User>]> {
  const world = await World.start();
  const seams = { transport: world.network.transport('app'), clock: world.clock, random: new SimRandom(1) };
  const db = new Level<string, User>('ws://n1:7100', { valueEncoding: 'json', ...options, seams });
  await world.drive(db.open({ passive: true }));
  return [world, db];
}

test('code written for level runs as it is', async () => {
  const [world, db] = await opened({ createIfMissing: true, compression: false, cacheSize: 1024 });
  await world.drive(db.put('a', { name: 'Ada' }, { sync: true }));
  await world.drive(db.batch().put('b', { name: 'Grace' }).del('x').write({ sync: true }));
  const hints: GetOptions<string, User> = { fillCache: false };
  const user: User | undefined = await world.drive(db.get('a', hints));
  expect(user).toEqual({ name: 'Ada' });
  const people = db.sublevel<string, User>('people', { valueEncoding: 'json' });
  await world.drive(people.put('c', { name: 'Lin' }));
  expect(await world.drive(people.keys().all())).toEqual(['c']);
  expect(await world.drive(db.iterator({ gte: 'a', highWaterMarkBytes: 1 }).all())).toEqual([
    ['a', { name: 'Ada' }],
    ['b', { name: 'Grace' }],
  ]);
  expect(db.location).toBe('ws://n1:7100');
  expect(db).toBeInstanceOf(Level);
});

test('code typed for level moves by changing the import: the compiler is told both', () => {
  const [theirs, ours] = ['for', 'moved-from'].map((which) =>
    readFileSync(join(import.meta.dirname, `support/program-${which}-level.ts`), 'utf8'),
  ) as [string, string];
  expect(ours).toBe(theirs.replace("from 'level'", "from '../../src/level.ts'"));
  expectTypeOf<typeof moved>().toEqualTypeOf<typeof programForLevel>();
});

test('says of itself what there is', async () => {
  const [world, db] = await opened();
  expect(db.supports).toMatchObject({
    has: true,
    seek: true,
    permanence: true,
    implicitSnapshots: true,
    explicitSnapshots: true,
    signals: { iterators: true },
  });
  for (const level of [db, db.sublevel('part')])
    for (const name of Object.keys(level.supports.additionalMethods))
      expect(level[name as keyof typeof level], name).toBeTypeOf('function');
  expect(Object.keys(db.supports.additionalMethods)).toContain('lease');
  await world.drive(db.close());
});

test('what a cluster cannot do is not passed over in silence', async () => {
  const [world, db] = await opened();
  expect(() => db.getSync('a')).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }));
  await world.drive(db.close());
  const { error } = await world.timed(db.open({ errorIfExists: true }));
  expect(error).toMatchObject({
    code: 'LEVEL_DATABASE_NOT_OPEN',
    cause: { code: 'HOLDFAST_INVALID_ARGUMENT' },
  });
  expect(db.supports).toMatchObject({ createIfMissing: false, errorIfExists: false, getSync: false });
});
