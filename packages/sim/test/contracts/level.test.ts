import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classicLevel,
  type LevelItem,
  type LevelLike,
  type LevelLocation,
  type LevelOperation,
  type LevelRange,
  type LevelSnapshot,
} from '@holdfast/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimDisk, SimRandom, simLevels } from '../../src/index.ts';

interface LevelWorld {
  readonly location: LevelLocation;
  readonly path: string;
  close(): Promise<void>;
}

const WORLDS: readonly { name: string; make: () => Promise<LevelWorld> }[] = [
  {
    name: 'LevelDB',
    make: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'holdfast-level-'));
      const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
      return { location: classicLevel, path: join(directory, 'store'), close };
    },
  },
  {
    name: 'simulated',
    make: async () => ({
      location: simLevels({ disk: new SimDisk(), writeBufferBytes: 1024 }),
      path: '/store',
      close: async () => {},
    }),
  },
];

const bytes = (text: string): Uint8Array => Buffer.from(text);
const put = (key: string, value: string): LevelOperation => ({
  type: 'put',
  key: bytes(key),
  value: bytes(value),
});
const del = (key: string): LevelOperation => ({ type: 'del', key: bytes(key) });
const textOf = ([key, value]: LevelItem): string =>
  `${key === undefined ? '' : Buffer.from(key)}=${value === undefined ? '' : Buffer.from(value)}`;

async function textsOf(
  level: LevelLike,
  range: LevelRange & { snapshot?: LevelSnapshot },
): Promise<string[]> {
  const iterator = level.iterator(range);
  const texts: string[] = [];
  for (let page = await iterator.nextv(3); page.length > 0; page = await iterator.nextv(3))
    texts.push(...page.map(textOf));
  await iterator.close();
  return texts;
}

function codeOf(error: unknown): unknown {
  let found = error as Error & { code?: unknown };
  while (found.cause instanceof Error) found = found.cause;
  return found.code;
}

async function failureOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return codeOf(error);
  }
  return 'none';
}

describe.each(WORLDS)('LevelLike, $name', ({ make }) => {
  let world: LevelWorld;
  let level: LevelLike;
  beforeEach(async () => {
    world = await make();
    level = world.location(world.path);
    await level.open();
  });
  afterEach(async () => {
    await level.close();
    await world.close();
  });

  const get = (key: string, snapshot?: LevelSnapshot): string | undefined => {
    const value = level.getSync(bytes(key), snapshot === undefined ? {} : { snapshot });
    return value === undefined ? undefined : Buffer.from(value).toString();
  };

  it('reads what a batch left, the last word of it counting', async () => {
    await level.batch([put('a', '1'), put('b', '2'), del('a'), put('b', '3')], { sync: false });
    expect([get('a'), get('b'), get('c')]).toEqual([undefined, '3', undefined]);
  });

  it('takes empty keys apart from absent ones, and empty values as values', async () => {
    await level.batch([put('a', '')], { sync: true });
    expect(get('a')).toBe('');
  });

  it('walks ranges in the order of bytes, either way', async () => {
    const keys = ['a', 'a\0', 'b', 'ba', 'c', '\u00e9', 'd'];
    await level.batch(
      keys.map((key) => put(key, key)),
      { sync: false },
    );
    const order = ['a', 'a\0', 'b', 'ba', 'c', 'd', '\u00e9'].map((key) => `${key}=${key}`);
    expect(await textsOf(level, {})).toEqual(order);
    expect(await textsOf(level, { reverse: true })).toEqual(order.toReversed());
    expect(await textsOf(level, { gt: bytes('a'), lte: bytes('c') })).toEqual(order.slice(1, 5));
    expect(await textsOf(level, { gte: bytes('a\0'), lt: bytes('c') })).toEqual(order.slice(1, 4));
    expect(await textsOf(level, { gte: bytes('x'), lt: bytes('b') })).toEqual([]);
    expect(await textsOf(level, { gte: bytes('c'), values: false })).toEqual(['c=', 'd=', '\u00e9=']);
    expect(await textsOf(level, { lt: bytes('b'), keys: false })).toEqual(['=a', '=a\0']);
  });

  it('seeks within its range', async () => {
    await level.batch(
      ['a', 'b', 'c', 'd'].map((key) => put(key, key)),
      { sync: false },
    );
    const found = async (range: LevelRange, target: string): Promise<string[]> => {
      const iterator = level.iterator(range);
      iterator.seek(bytes(target));
      const items = await iterator.nextv(10);
      await iterator.close();
      return items.map(textOf);
    };
    expect(await found({}, 'bb')).toEqual(['c=c', 'd=d']);
    expect(await found({ lt: bytes('d') }, 'b')).toEqual(['b=b', 'c=c']);
    expect(await found({ reverse: true }, 'bb')).toEqual(['b=b', 'a=a']);
    expect(await found({}, 'x')).toEqual([]);
  });

  it('ends a page once it holds more bytes than it should', async () => {
    await level.batch(
      ['a', 'b', 'c'].map((key) => put(key, 'v'.repeat(100))),
      { sync: false },
    );
    const iterator = level.iterator({ highWaterMarkBytes: 150 });
    expect((await iterator.nextv(10)).length).toBe(2);
    expect((await iterator.nextv(10)).length).toBe(1);
    expect((await iterator.nextv(10)).length).toBe(0);
    await iterator.close();
  });

  it('holds reads against a snapshot', async () => {
    await level.batch([put('a', '1'), put('b', '1')], { sync: false });
    const snapshot = level.snapshot();
    const iterator = level.iterator({});
    await level.batch([put('a', '2'), del('b'), put('c', '2')], { sync: false });
    expect([get('a', snapshot), get('b', snapshot), get('c', snapshot)]).toEqual(['1', '1', undefined]);
    expect(await textsOf(level, { snapshot })).toEqual(['a=1', 'b=1']);
    expect((await iterator.nextv(10)).map(textOf)).toEqual(['a=1', 'b=1']);
    expect(await textsOf(level, {})).toEqual(['a=2', 'c=2']);
    await iterator.close();
    await snapshot.close();
    expect(await failureOf(() => get('a', snapshot))).toBe('LEVEL_SNAPSHOT_NOT_OPEN');
  });

  it('keeps what the caller changes afterwards', async () => {
    const value = Buffer.from('one');
    const done = level.batch([{ type: 'put', key: bytes('a'), value }], { sync: false });
    value.write('two');
    await done;
    expect(get('a')).toBe('one');
  });

  it('is there after it was closed, and answers nothing meanwhile', async () => {
    await level.batch([put('a', '1')], { sync: false });
    const snapshot = level.snapshot();
    const iterator = level.iterator({});
    await level.close();
    expect(await failureOf(() => get('a'))).toBe('LEVEL_DATABASE_NOT_OPEN');
    expect(await failureOf(() => level.batch([put('a', '2')], { sync: false }))).toBe(
      'LEVEL_DATABASE_NOT_OPEN',
    );
    expect(await failureOf(() => level.iterator({}))).toBe('LEVEL_DATABASE_NOT_OPEN');
    expect(await failureOf(() => iterator.nextv(1))).toBe('LEVEL_ITERATOR_NOT_OPEN');
    await level.open();
    expect(await failureOf(() => get('a', snapshot))).toBe('LEVEL_SNAPSHOT_NOT_OPEN');
    expect(get('a')).toBe('1');
  });

  it('is opened once at a time', async () => {
    expect(await failureOf(() => world.location(world.path).open())).toBe('LEVEL_LOCKED');
    await level.close();
    const other = world.location(world.path);
    await other.open();
    expect(await failureOf(() => level.open())).toBe('LEVEL_LOCKED');
    await other.close();
    await level.open();
  });

  it('comes to what a map comes to, over compactions and openings', async () => {
    const random = new SimRandom(7);
    const model = new Map<string, string>();
    for (let round = 0; round < 300; round++) {
      const operations = Array.from({ length: 1 + Math.floor(random.next() * 4) }, () => {
        const key = `k${Math.floor(random.next() * 40)}`;
        return random.next() < 0.3 ? del(key) : put(key, `${round}`.repeat(Math.floor(random.next() * 30)));
      });
      await level.batch(operations, { sync: random.next() < 0.2 });
      for (const operation of operations) {
        const key = Buffer.from(operation.key).toString();
        if (operation.type === 'put') model.set(key, Buffer.from(operation.value).toString());
        else model.delete(key);
      }
      const draw = random.next();
      if (draw < 0.05) await level.compactRange(bytes('\0'), bytes('\x01'));
      if (draw > 0.95) {
        await level.close();
        await level.open();
      }
    }
    const due = [...model].sort(([one], [other]) => (one < other ? -1 : 1));
    expect(await textsOf(level, {})).toEqual(due.map(([key, value]) => `${key}=${value}`));
  });
});
