import { beforeEach, describe, expect, it } from 'vitest';
import { appliedAmong } from '../../src/divergence/listed-writes.ts';
import { entryMarkKey, markKey } from '../../src/divergence/marks.ts';
import { Reapplication, type ReapplyOptions, type ReapplyResult } from '../../src/divergence/reapply.ts';
import { isReserved } from '../../src/reserved-keys.ts';
import { FakeDatabase, options, reapplyOne, writeOf } from '../support/lost-writes.ts';

let database: FakeDatabase;

beforeEach(() => {
  database = new FakeDatabase();
  database.put('a', 'old');
  database.put('gone', 'old');
  // A term later: nothing written now was there when the entry was lost.
  database.revision = 1000;
});

describe('a diverged write', () => {
  const write = writeOf('default.7.2/0', 10, { a: 'lost', b: 'lost', gone: undefined });

  it('is written again, deletes included, once', async () => {
    expect(await reapplyOne(database, write)).toEqual({ kind: 'reapplied', keys: 3, revision: 1004 });
    expect([database.value('a'), database.value('b'), database.value('gone')]).toEqual([
      'lost',
      'lost',
      undefined,
    ]);
    database.put('a', 'later');
    expect(await reapplyOne(database, write)).toEqual({ kind: 'repeated' });
    expect(database.value('a')).toBe('later');
  });

  it('leaves its mark where scans do not show it', async () => {
    expect(await appliedAmong([write], database)).toEqual(new Set());
    await reapplyOne(database, write);
    expect(database.value(markKey(write).toString())).toBe('default.7.2 3 1');
    expect(isReserved(markKey(write))).toBe(true);
    expect(await appliedAmong([write], database)).toEqual(new Set([write]));
  });

  it('is a conflict, as a whole, when a key was written since', async () => {
    const revision = database.put('b', 'since');
    expect(await reapplyOne(database, write)).toEqual({ kind: 'conflict', key: Buffer.from('b'), revision });
    expect(database.value('a')).toBe('old');
    expect(await reapplyOne(database, write, options({ force: true }))).toMatchObject({ kind: 'reapplied' });
    expect(database.value('b')).toBe('lost');
  });

  it('notices what is written between the look and the write', async () => {
    database.beforeWrite = () => database.put('a', 'just now');
    expect(await reapplyOne(database, write)).toMatchObject({ kind: 'conflict', key: Buffer.from('a') });
    expect(database.value('a')).toBe('just now');
  });

  it('is a conflict, force or not, when a key is written all the time, and keeps no other back', async () => {
    const putAgain = (): void => {
      database.put('b', 'again');
      database.beforeWrite = putAgain;
    };
    putAgain();
    const other = writeOf('default.7.2/1', 13, { c: 'lost' });
    const results = await new Reapplication(database, options({ force: true })).apply([write, other]);
    expect(results).toMatchObject([{ kind: 'conflict', key: Buffer.from('b') }, { kind: 'reapplied' }]);
    expect(database.value('b')).toBe('again');
  });

  it.each([false, true])('is written once by two who do it at the same moment (force: %s)', async (force) => {
    const given = options({ force });
    const results = await Promise.all([
      reapplyOne(database, write, given),
      reapplyOne(database, write, given),
    ]);
    expect(results.map(({ kind }) => kind).sort()).toEqual(['reapplied', 'repeated']);
    expect(database.writes).toBe(1);
  });

  it('takes only the last of several mutations of a key', async () => {
    const mutations = [
      ...write.mutations,
      { ...write.mutations[0]!, value: Buffer.from('last'), revision: 13 },
    ];
    await reapplyOne(database, { ...write, mutations });
    expect(database.value('a')).toBe('last');
  });

  it.each([
    ['whose history reaches too short', { undecided: true }],
    ['of which nobody was told that it was done', { ack: 'quorum' }],
  ] as const)('%s is written by force only', async (_, more) => {
    const undecided = { ...write, ...more };
    expect(await reapplyOne(database, undecided)).toEqual({ kind: 'undecided' });
    expect(database.value('a')).toBe('old');
    expect(await reapplyOne(database, undecided, options({ force: true }))).toMatchObject({
      kind: 'reapplied',
    });
  });

  it.each([false, true])(
    'that its client got through by a repeat is not written again, though its keys are gone (force: %s)',
    async (force) => {
      database.records.clear();
      expect(await reapplyOne(database, write, options({ force, survived: [write] }))).toEqual({
        kind: 'survived',
      });
      expect(database.writes).toBe(0);
    },
  );

  it('is asked after once more when a key changed between the look and the write', async () => {
    let asked = 0;
    database.beforeWrite = () => database.put('b', 'by the repeat of its client');
    const given = { ...options(), survived: async () => [++asked > 1] };
    expect(await reapplyOne(database, write, given)).toEqual({ kind: 'survived' });
    expect(database.value('b')).toBe('by the repeat of its client');
  });

  it('whose entry was applied again as a whole, before writes had marks of their own, is not written', async () => {
    database.put(entryMarkKey(write.id).toString(), '3');
    expect(await reapplyOne(database, write, options({ force: true }))).toEqual({ kind: 'repeated' });
    expect(await appliedAmong([write], database)).toEqual(new Set([write]));
  });
});

describe('a re-application that a failover took away', () => {
  const write = writeOf('default.7.2/0', 10, { a: 'lost' });
  const mark = markKey(write);
  const again = writeOf(
    'default.9.3/0',
    2000,
    { a: 'lost', [mark.toString()]: 'default.7.2 1' },
    { ack: 'quorum' },
  );

  it('is not applied again, force or not, once it got through by a repeat', async () => {
    await reapplyOne(database, write);
    database.put('a', 'later');
    for (const force of [false, true])
      expect(await reapplyOne(database, again, options({ force }))).toEqual({ kind: 'repeated' });
    expect(database.value('a')).toBe('later');
  });

  it('is what brings the write back, by force, if it did not', async () => {
    expect(await reapplyOne(database, again)).toEqual({ kind: 'undecided' });
    expect(await reapplyOne(database, again, options({ force: true }))).toMatchObject({ kind: 'reapplied' });
    expect(await reapplyOne(database, write)).toEqual({ kind: 'repeated' });
  });
});

it('says repeated to who meets what another has just applied again, whose mark it had looked for before', async () => {
  const write = writeOf('default.7.2/0', 10, { a: 'lost' });
  const read = database.read.bind(database);
  let other: Promise<ReapplyResult> | undefined;
  database.read = async (key) => {
    if (key.toString() === 'a' && other === undefined) {
      other = reapplyOne(database, write);
      expect(await other).toMatchObject({ kind: 'reapplied' });
    }
    return await read(key);
  };
  expect(await reapplyOne(database, write)).toEqual({ kind: 'repeated' });
  expect(database.writes).toBe(1);
});

it('reads about as much for each of very many lost writes of one key, whether they come back or somebody wrote it since', async () => {
  const writes = Array.from({ length: 300 }, (_, at) =>
    writeOf(`default.${7 + at}.2/0`, 10 + at, { a: `${at}` }),
  );
  const given: ReapplyOptions = {
    ...options(),
    olderOf: async (write) => writes.slice(0, writes.indexOf(write)),
  };
  const read = database.read.bind(database);
  let reads = 0;
  database.read = (key) => {
    reads += 1;
    return read(key);
  };
  const run = new Reapplication(database, given);
  for (const write of writes) expect(await run.apply([write])).toMatchObject([{ kind: 'reapplied' }]);
  expect(reads).toBeLessThan(5 * writes.length);
  const changed = new FakeDatabase();
  changed.revision = 1000;
  changed.put('a', 'since');
  database.records.clear();
  database.records.set('a', changed.records.get('a')!);
  reads = 0;
  const second = new Reapplication(database, given);
  for (const write of writes) expect(await second.apply([write])).toMatchObject([{ kind: 'conflict' }]);
  expect(reads).toBeLessThan(6 * writes.length);
});

it('asks for no more than it should at once', async () => {
  const writes = Array.from({ length: 50 }, (_, at) =>
    writeOf(
      `default.7.2/${at}`,
      10 + 100 * at,
      Object.fromEntries(Array.from({ length: 100 }, (_unused, key) => [`${at} ${key}`, 'lost'])),
    ),
  );
  const read = database.read.bind(database);
  let underWay = 0;
  let most = 0;
  database.read = async (key) => {
    underWay += 1;
    most = Math.max(most, underWay);
    const found = await read(key);
    underWay -= 1;
    return found;
  };
  const results = await new Reapplication(database, options()).apply(writes);
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['reapplied']));
  expect(most).toBeLessThanOrEqual(1000);
});

describe('writes of one entry', () => {
  const writes = [
    writeOf('default.7.2/0', 10, { a: 'first' }),
    writeOf('default.7.2/1', 11, { b: 'second', c: 'second' }),
    writeOf('default.7.2/2', 13, { d: 'third' }, { ack: 'quorum' }),
    writeOf('default.7.2/4', 14, { e: 'fourth' }),
  ];

  it('do not keep one another back', async () => {
    database.put('c', 'since');
    const results = await new Reapplication(database, options()).apply(writes);
    expect(results.map(({ kind }) => kind)).toEqual(['reapplied', 'conflict', 'undecided', 'reapplied']);
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => database.value(key))).toEqual([
      'first',
      undefined,
      'since',
      undefined,
      'fourth',
    ]);
    expect(await appliedAmong(writes, database)).toEqual(new Set([writes[0], writes[3]]));
  });

  it('are each written once when it is done again, and what was left out then', async () => {
    const revision = database.put('c', 'since');
    await new Reapplication(database, options()).apply(writes);
    database.records.set('c', { value: Buffer.from('older'), revision: revision - 1000 });
    const results = await new Reapplication(database, options()).apply(writes);
    expect(results.map(({ kind }) => kind)).toEqual(['repeated', 'reapplied', 'undecided', 'repeated']);
  });

  it('that change the same key come back in their order', async () => {
    const same = [
      writeOf('default.7.2/0', 10, { a: 'first', b: 'first' }),
      writeOf('default.7.2/1', 12, { b: 'second' }),
      writeOf('default.7.2/2', 13, { b: 'third' }),
    ];
    const given: ReapplyOptions = {
      ...options(),
      olderOf: async (write) => same.slice(0, write.place),
    };
    expect((await new Reapplication(database, given).apply(same)).map(({ kind }) => kind)).toEqual([
      'reapplied',
      'reapplied',
      'reapplied',
    ]);
    expect([database.value('a'), database.value('b')]).toEqual(['first', 'third']);
  });
});

describe('several diverged writes of the same key', () => {
  const first = writeOf('default.7.2/0', 10, { a: 'first' });
  const second = writeOf('default.8.2/0', 11, { a: 'second' });

  it('come back in order: what an older one wrote is no change since', async () => {
    expect(await reapplyOne(database, first)).toMatchObject({ kind: 'reapplied' });
    expect(await reapplyOne(database, second, options({ older: [first] }))).toMatchObject({
      kind: 'reapplied',
    });
    expect(database.value('a')).toBe('second');
  });

  it('are not put over newer ones', async () => {
    await reapplyOne(database, second, options({ older: [first] }));
    expect(await reapplyOne(database, first)).toMatchObject({ kind: 'conflict' });
    expect(database.value('a')).toBe('second');
  });

  it('do not hide a change by somebody else', async () => {
    await reapplyOne(database, first);
    database.put('a', 'since');
    expect(await reapplyOne(database, second, options({ older: [first] }))).toMatchObject({
      kind: 'conflict',
    });
  });

  it('are written once if they are attempts of one call', async () => {
    const attempt = writeOf('default.9.3/0', 2_000_000, { a: 'first' }, { session: first.session });
    expect(await reapplyOne(database, first)).toMatchObject({ kind: 'reapplied' });
    expect(await reapplyOne(database, attempt, options({ older: [first], force: true }))).toEqual({
      kind: 'repeated',
    });
    expect(await appliedAmong([first, attempt], database)).toEqual(new Set([first, attempt]));
  });
});

it('brings back a write of more keys than one takes conditions', async () => {
  const changes = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`k${at}`, String(at)]));
  const write = writeOf('default.9.2/0', 10, changes);
  expect(await reapplyOne(database, write)).toMatchObject({ kind: 'reapplied', keys: 1000 });
  expect(database.value('k999')).toBe('999');
  expect(await reapplyOne(database, write)).toEqual({ kind: 'repeated' });
  const next = writeOf('default.10.2/0', 1100, { k500: 'newer' });
  // Every part left a mark of its own.
  expect(await reapplyOne(database, next, options({ older: [write] }))).toMatchObject({ kind: 'reapplied' });
});
