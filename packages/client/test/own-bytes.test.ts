import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});

type Bytes = Holdfast<Buffer, Buffer>;
const BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

async function opened(of: string): Promise<Bytes> {
  const root = await world.opened({
    ...(BYTES as object),
    ...(of === 'a namespace' ? { namespace: 'n' } : {}),
  });
  // A sublevel has the same methods.
  const db = (of === 'a sublevel' ? root.sublevel('s', BYTES) : root) as unknown as Bytes;
  await world.drive(db.open());
  return db;
}

/** The ways to write, with what is to be changed afterwards. */
const WRITES: readonly [string, (db: Bytes, key: Buffer, value: Buffer) => Promise<unknown>][] = [
  ['put', (db, key, value) => db.put(key, value)],
  ['batch', (db, key, value) => db.batch([{ type: 'put', key, value }])],
  ['write', (db, key, value) => db.write([{ type: 'put', key, value }])],
  ['transaction', (db, key, value) => db.transaction({ then: [{ type: 'put', key, value }] })],
  [
    'a condition',
    (db, key, value) => db.transaction({ if: [{ key, absent: true }], then: [{ type: 'put', key, value }] }),
  ],
  [
    'another encoding',
    (db, key, value) => db.put(key, value, { keyEncoding: 'view', valueEncoding: 'utf8' as never }),
  ],
];

describe.each(['a database', 'a namespace', 'a sublevel'])('bytes given to %s', (of) => {
  test.each(WRITES)('by %s are written as they were then, by a repeat too', async (_, write) => {
    const db = await opened(of);
    await world.drive(db.put(Buffer.from('session'), Buffer.from('is open')));
    world.cluster.onWrite = ({ id }) => (id === 'n1' ? 'drop' : undefined);
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const written = write(db, key, value);
    value.fill('x');
    await world.clock.advance(20);
    key.fill('y');
    world.kill('n1');
    world.cluster.elect('n2');
    await world.drive(written);
    const all = await world.drive(db.iterator().all());
    expect(all.map(([name, held]) => `${name} ${held}`)).toEqual(['key value', 'session is open']);
  });

  test('are kept by a chained batch as they were put', async () => {
    const db = await opened(of);
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const batch = db.batch().put(key, value);
    key.fill('y');
    value.fill('x');
    await world.drive(batch.write());
    expect(await world.drive(db.get(Buffer.from('key')))).toEqual(Buffer.from('value'));
  });

  test('are kept by a batch of the whole database as they were put', async () => {
    const db = await opened(of);
    const sublevel = db.sublevel('part', BYTES);
    await world.drive(sublevel.open());
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const chained = db.batch().put(Buffer.from('chained'), value, { sublevel });
    const written = db.batch([{ type: 'put', sublevel, key, value }]);
    key.fill('y');
    value.fill('x');
    await world.drive(Promise.all([written, chained.write()]));
    expect(await world.drive(sublevel.values().all())).toEqual([Buffer.from('value'), Buffer.from('value')]);
    expect(await world.drive(sublevel.keys().all())).toEqual([Buffer.from('chained'), Buffer.from('key')]);
  });

  test('are read and compared as they were then', async () => {
    const db = await opened(of);
    await world.drive(db.put(Buffer.from('key'), Buffer.from('value')));
    const [key, bound, value] = [Buffer.from('key'), Buffer.from('k'), Buffer.from('value')];
    const reads = Promise.all([
      db.get(key),
      db.getMany([key]),
      db.has(key),
      db.read(key).then((found) => found?.value),
      db.iterator({ gte: bound }).all(),
      db.transaction({ if: [{ key, value }], then: [{ type: 'get', key }] }).then(({ branch }) => branch),
    ]);
    for (const bytes of [key, bound, value]) bytes.fill('z');
    const stored = Buffer.from('value');
    expect(await world.drive(reads)).toEqual([
      stored,
      [stored],
      true,
      stored,
      [[Buffer.from('key'), stored]],
      'then',
    ]);
  });
});

describe.each(['a database', 'a sublevel'])('bytes given to %s that is opening', (of) => {
  function opening(): Bytes {
    const root = world.client(BYTES as object);
    return (of === 'a sublevel' ? root.sublevel('s', BYTES) : root) as unknown as Bytes;
  }

  async function entries(): Promise<string> {
    const all = await world.drive(opening().iterator().all());
    return all.map(([key, value]) => `${key} ${value}`).join();
  }

  test.each(WRITES)('by %s are written as they were then', async (_, write) => {
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const written = write(opening(), key, value);
    value.fill('x');
    key.fill('y');
    await world.drive(written);
    expect(await entries()).toBe('key value');
  });

  test('are read as they were then', async () => {
    await world.drive(opening().put(Buffer.from('key'), Buffer.from('value')));
    const db = opening();
    const key = Buffer.from('key');
    const view = new Uint8Array(Buffer.from('.key.')).subarray(1, 4);
    const calls = Promise.all([
      db.get(key),
      db.getMany([key]),
      db.has(key),
      db.hasMany([key]),
      db.read(view as Buffer).then((found) => found?.value),
      db.ttl(key),
    ]);
    for (const bytes of [key, view]) bytes.fill(0x5f);
    const stored = Buffer.from('value');
    expect(await world.drive(calls)).toEqual([stored, [stored], true, [true], stored, Infinity]);
  });

  test('are deleted and cleared as they were then', async () => {
    const before = opening();
    const value = Buffer.from('value');
    const puts = ['a', 'b', 'c'].map((key) => before.put(Buffer.from(key), value));
    await world.drive(Promise.all(puts));
    const db = opening();
    const [key, bound] = [Buffer.from('a'), Buffer.from('c')];
    const calls = Promise.all([db.del(key), db.clear({ gte: bound })]);
    for (const bytes of [key, bound]) bytes.fill(0x5f);
    await world.drive(calls);
    expect(await entries()).toBe('b value');
  });
});

test('an encoding is the same one each time, and known by its name', async () => {
  const db = await opened('a database');
  expect(db.keyEncoding('utf8')).toBe(db.keyEncoding('utf8'));
  expect(db.keyEncoding()).toBe(db.valueEncoding('buffer'));
  expect(db.valueEncoding(db.valueEncoding('json'))).toBe(db.valueEncoding('json'));
  expect(db.valueEncoding('json')).toMatchObject({ commonName: 'json', format: 'buffer' });
  expect(() => db.keyEncoding('none' as never)).toThrow(
    expect.objectContaining({ code: 'LEVEL_ENCODING_NOT_FOUND' }),
  );
});
