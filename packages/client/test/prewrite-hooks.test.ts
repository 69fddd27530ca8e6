import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { Sagas, saga } from '../src/sagas/index.ts';
import { World } from './support/world.ts';

interface Book {
  readonly author: string;
}

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

/** Books by id, and an index by author beside them, which a hook keeps. */
async function library() {
  const books = db.sublevel<number, Book>('books', { keyEncoding: 'json', valueEncoding: 'json' });
  const index = db.sublevel('authors');
  await world.drive(Promise.all([books.open(), index.open()]));
  books.hooks.prewrite.add((operation, batch) => {
    if (operation.type !== 'put') return;
    const { key, value } = operation;
    batch.add({ type: 'put', key: `${value.author}/${key}`, value: String(key), sublevel: index } as never);
  });
  return { books, index };
}

const all = (): Promise<[string, string][]> => world.drive(db.iterator().all());
const keys = async (): Promise<string[]> => (await all()).map(([key]) => key);

type Library = Awaited<ReturnType<typeof library>>;
type Path = (of: Library, key: number, value: Book) => Promise<unknown>;
const PATHS: [string, Path][] = [
  ['put', ({ books }, key, value) => books.put(key, value)],
  ['batch', ({ books }, key, value) => books.batch([{ type: 'put', key, value }])],
  ['a chained batch', ({ books }, key, value) => books.batch().put(key, value).write()],
  ['write', ({ books }, key, value) => books.write([{ type: 'put', key, value }])],
  [
    'write under a condition',
    ({ books }, key, value) => books.write([{ type: 'put', key, value }], { ifAbsent: true }),
  ],
  ['transaction', ({ books }, key, value) => books.transaction({ then: [{ type: 'put', key, value }] })],
  ['update', ({ books }, key, value) => books.update(key, () => value)],
];

test.each(PATHS)('%s of a sublevel runs its hook, whose additions are committed with it', async (_, path) => {
  const of = await library();
  await world.drive(path(of, 12, { author: 'Hesse' }));
  expect(await world.drive(of.books.get(12))).toEqual({ author: 'Hesse' });
  expect(await world.drive(of.index.get('Hesse/12'))).toBe('12');
  const [write] = world.cluster.state.history.slice(-2);
  expect(write).toMatchObject({ kind: 'put', endsWrite: false });
});

test('hooks of sublevel and database run from the inside out, each with keys and values of its own', async () => {
  const outer = db.sublevel('outer', { valueEncoding: 'json' });
  const inner = outer.sublevel<string, { n: number }>('inner', { valueEncoding: 'json' });
  await world.drive(inner.open());
  for (const path of ['write', 'transaction', 'batch'] as const) {
    const seen: unknown[] = [];
    const note = (level: string) => (operation: { type: string; key: unknown; value?: unknown }) =>
      void seen.push([level, operation.type, String(operation.key), JSON.stringify(operation.value)]);
    const hooks = [
      [inner, note('inner')],
      [outer, note('outer')],
      [db, note('root')],
    ] as const;
    for (const [level, hook] of hooks) level.hooks.prewrite.add(hook as never);
    const put = { type: 'put', key: 'a', value: { n: 1 } } as const;
    const del = { type: 'del', key: 'b' } as const;
    if (path === 'write') await world.drive(inner.write([put, del]));
    else if (path === 'transaction') await world.drive(inner.transaction({ then: [put, del] }));
    else await world.drive(inner.batch([put, del]));
    const bytes = JSON.stringify(Buffer.from('{"n":1}'));
    expect(seen, path).toEqual([
      ['inner', 'put', 'a', '{"n":1}'],
      ['inner', 'del', 'b', undefined],
      ['outer', 'put', '!inner!a', bytes],
      ['outer', 'del', '!inner!b', undefined],
      ['root', 'put', '!outer!!inner!a', bytes],
      ['root', 'del', '!outer!!inner!b', undefined],
    ]);
    for (const [level, hook] of hooks) level.hooks.prewrite.delete(hook as never);
  }
  expect(await keys()).toEqual(['!outer!!inner!a']);
});

describe('a hook', () => {
  test('may change key, value and encodings, and no more', async () => {
    db.hooks.prewrite.add((operation) => {
      Object.assign(operation, {
        key: Buffer.from(String(operation.key).toLowerCase()),
        keyEncoding: 'buffer',
      });
      if (operation.type === 'put')
        Object.assign(operation, { value: { v: operation.value }, valueEncoding: 'json' });
      Object.assign(operation, { type: 'del', sublevel: db.sublevel('elsewhere') });
    });
    await world.drive(db.write([{ type: 'put', key: 'A', value: '1', ttlMs: 50 }]));
    await world.drive(db.transaction({ then: [{ type: 'put', key: 'B', value: '2' }] }));
    expect(await all()).toEqual([
      ['a', '{"v":"1"}'],
      ['b', '{"v":"2"}'],
    ]);
    expect(await world.drive(db.ttl('a'))).toBe(50);
  });

  test('that throws, or adds what cannot be, undoes the call and is told', async () => {
    const cause = new Error('no');
    const hooks = [
      () => {
        throw cause;
      },
      (_: unknown, batch: { add(operation: object): void }) => batch.add({ type: 'put', key: 'x' }),
      (_: unknown, batch: { add(operation: object): void }) => batch.add({ type: 'get', key: 'x' }),
    ];
    for (const hook of hooks) {
      db.hooks.prewrite.add(hook as never);
      for (const call of [
        () => db.write([{ type: 'put', key: 'a', value: '1' }]),
        () => db.transaction({ then: [{ type: 'put', key: 'a', value: '1' }] }),
      ]) {
        const { error } = await world.timed(call());
        expect(error).toMatchObject({ code: 'LEVEL_HOOK_ERROR', outcome: 'not-applied' });
        if (hook === hooks[0]) expect(error).toMatchObject({ cause });
      }
      db.hooks.prewrite.delete(hook as never);
    }
    expect(await all()).toEqual([]);
  });

  test('is no way round what a write takes', async () => {
    db.hooks.prewrite.add((_, batch) => void batch.add({ type: 'del', key: 'x', ifAbsent: true } as never));
    const { error } = await world.timed(db.write([{ type: 'put', key: 'a', value: '1' }]));
    expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  });

  test('of a database is shown what is named to be of a sublevel; that of the sublevel is not', async () => {
    const part = db.sublevel<number, Book>('part', { keyEncoding: 'json', valueEncoding: 'json' });
    const beside = db.sublevel('beside');
    await world.drive(Promise.all([part.open(), beside.open()]));
    const seen: unknown[] = [];
    db.hooks.prewrite.add(({ key, sublevel }) => void seen.push([String(key), sublevel === part]));
    part.hooks.prewrite.add(() => {
      throw new Error('not this one');
    });
    const put = { type: 'put', key: 1, value: { author: 'Mann' }, sublevel: part } as const;
    await world.drive(db.write<unknown, unknown>([put as never]));
    await world.drive(db.transaction<unknown, unknown>({ then: [put as never] }));
    // Of one beside: handed up to whom both are inside of.
    await world.drive(beside.write<unknown, unknown>([put as never]));
    await world.drive(beside.transaction<unknown, unknown>({ then: [{ ...put, key: 2 } as never] }));
    expect(seen).toEqual([
      ['1', true],
      ['1', true],
      ['1', true],
      ['2', true],
    ]);
    expect(await all()).toEqual([
      ['!part!1', '{"author":"Mann"}'],
      ['!part!2', '{"author":"Mann"}'],
    ]);
  });
});

describe('conditions', () => {
  test('and the revision told are those of what the caller wrote, not of what hooks add', async () => {
    const { books } = await library();
    const first = await world.drive(
      books.write([{ type: 'put', key: 1, value: { author: 'Mann' } }], { ifAbsent: true }),
    );
    const read = await world.drive(books.read(1));
    expect(first.revision).toBe(read?.revision);
    const again = { ifRevision: first.revision };
    await world.drive(books.write([{ type: 'put', key: 1, value: { author: 'Hesse' } }], again));
    const { error } = await world.timed(books.write([{ type: 'del', key: 1 }], again));
    expect(error).toMatchObject({ code: 'HOLDFAST_CONFLICT' });
    const updated = await world.drive(books.update(1, () => ({ author: 'Frisch' })));
    expect(updated.revision).toBe((await world.drive(books.read(1)))?.revision);
    expect(updated.tries).toBe(1);
  });
});

describe('transactions', () => {
  test('add to the branch that has the step, and tell what their own steps came to', async () => {
    const { books, index } = await library();
    const transaction = (key: number) =>
      books.transaction({
        if: [{ key, absent: true }],
        then: [
          { type: 'put', key, value: { author: 'Mann' } },
          { type: 'get', key },
        ],
        else: [
          { type: 'get', key },
          { type: 'put', key, value: { author: 'Hesse' } },
          { type: 'del', key: 9 },
        ],
      });
    const first = await world.drive(transaction(1));
    expect(first.steps).toEqual([
      { type: 'put', revision: expect.any(Number) },
      { type: 'get', value: { author: 'Mann' }, revision: expect.any(Number) },
    ]);
    expect(await world.drive(index.keys().all())).toEqual(['Mann/1']);
    const second = await world.drive(transaction(1));
    expect(second.branch).toBe('else');
    expect(second.steps.map(({ type }) => type)).toEqual(['get', 'put', 'del']);
    expect(await world.drive(index.keys().all())).toEqual(['Hesse/1', 'Mann/1']);
  });

  test('hide from hooks what has no value before it is carried out', async () => {
    db.hooks.prewrite.add(() => {
      throw new Error('it is called');
    });
    await world.drive(
      db.transaction({
        if: [{ key: 'n', absent: true }],
        then: [
          { type: 'increment', key: 'n' },
          { type: 'expire', key: 'n', ttlMs: 60 },
          { type: 'persist', key: 'n' },
          { type: 'get', key: 'n' },
        ],
      }),
    );
    expect(await world.drive(db.increment('n'))).toMatchObject({ value: 2 });
    expect(await world.drive(db.expire('n', 50))).toBe(true);
  });
});

test('what Holdfast keeps of sagas is shown to no hook; what their steps write is', async () => {
  const seen: string[] = [];
  db.hooks.prewrite.add(({ key }, batch) => {
    seen.push(String(key));
    batch.add({ type: 'put', key: `log/${key}`, value: '' });
  });
  const sagas = new Sagas(db);
  const keep = saga<string>('keep').step('put', {
    run: async ({ once }) => void (await once(db, [{ type: 'put', key: 'kept', value: '1' }])),
  });
  await world.drive(sagas.run(keep, '1', 'lamp'));
  expect(seen).toEqual(['kept']);
  expect(await keys()).toEqual(expect.arrayContaining(['kept', 'log/kept']));
});
