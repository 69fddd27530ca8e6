import { type ErrorCode, HoldfastError } from '@holdfast/types';
import { beforeEach, describe, expect, it } from 'vitest';
import { appliedAmong, progressAmong } from '../../src/divergence/listed-writes.ts';
import { markKey } from '../../src/divergence/marks.ts';
import { Reapplication, type ReapplyResult } from '../../src/divergence/reapply.ts';
import { FakeDatabase, options, reapplyOne, writeOf } from '../support/lost-writes.ts';

let database: FakeDatabase;

beforeEach(() => {
  database = new FakeDatabase();
  // A term later: nothing written now was there when the entry was lost.
  database.revision = 1000;
});

describe('a lost write of which only a part came back', () => {
  const keys = Array.from({ length: 300 }, (_, at) => `k${at}`);
  const changes = Object.fromEntries(keys.map((key) => [key, `value of ${key}`]));
  const write = writeOf('default.9.2/0', 10, changes);
  /** Of the second part, which has the last hundred in order of keys. */
  const late = 'k99';

  /** The first part is there again, and no more. */
  async function begin(given = write, force = false): Promise<void> {
    const only = database.write.bind(database);
    const before = database.writes;
    database.write = async (...asked) => {
      if (database.writes > before) throw new HoldfastError('HOLDFAST_OUTCOME_UNKNOWN', 'gone');
      return await only(...asked);
    };
    expect(await reapplyOne(database, given, options({ force }))).toMatchObject({
      kind: 'failed',
      keys: 200,
    });
    database.write = only;
    expect(database.writes).toBe(before + 1);
  }

  it('is not told as applied again, and is brought to its end when it is done again', async () => {
    await begin();
    expect(await appliedAmong([write], database)).toEqual(new Set());
    expect(await reapplyOne(database, write)).toMatchObject({ kind: 'reapplied', keys: 100 });
    expect(await appliedAmong([write], database)).toEqual(new Set([write]));
    expect(keys.map((key) => database.value(key))).toEqual(Object.values(changes));
  });

  it('is listed as begun, and so is another attempt of its call', async () => {
    const attempt = writeOf('default.12.3/0', 2_000_000, { k0: 'other' }, { session: write.session });
    const other = writeOf('default.12.3/1', 2_000_001, { other: 'other' });
    await begin();
    const progress = await progressAmong([write, attempt, other], database);
    expect([...progress.values()]).toEqual([
      { isWhole: false, begunBy: write.id },
      { isWhole: false, begunBy: write.id },
      { isWhole: false, begunBy: undefined },
    ]);
  });

  it('is so told if a key of the rest was written since, until that is forced', async () => {
    await begin();
    const revision = database.put(late, 'since');
    const result = { kind: 'partial', open: 100, key: Buffer.from(late), revision };
    expect(await reapplyOne(database, write)).toEqual(result);
    expect(await appliedAmong([write], database)).toEqual(new Set());
    expect(await reapplyOne(database, write, options({ force: true }))).toMatchObject({
      kind: 'reapplied',
      keys: 100,
    });
    expect(await reapplyOne(database, write)).toEqual({ kind: 'repeated' });
  });

  it.each([false, true])('is so told if that happens half way (force: %s)', async (force) => {
    const putAgain = (): void => {
      database.put(late, 'again');
      database.beforeWrite = putAgain;
    };
    database.beforeWrite = () => {
      database.beforeWrite = putAgain;
    };
    expect(await reapplyOne(database, write, options({ force }))).toMatchObject({
      kind: 'partial',
      open: 100,
      key: Buffer.from(late),
    });
    expect(database.value('k0')).toBe('value of k0');
  });

  it('counts what this run wrote, though it had to look twice', async () => {
    database.beforeWrite = () => {
      database.beforeWrite = () => database.put(late, 'since');
    };
    expect(await reapplyOne(database, write, options({ force: true }))).toMatchObject({
      kind: 'reapplied',
      keys: 300,
    });
  });

  it('is brought to its end without force, though it was begun with it', async () => {
    const undecided = { ...write, ack: 'quorum' as const };
    await begin(undecided, true);
    expect(await reapplyOne(database, undecided)).toMatchObject({ kind: 'reapplied', keys: 100 });
  });

  it.each([1, 300, 500])(
    'keeps back another attempt of its call, of %d keys, until it is whole',
    async (count) => {
      const others = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'other']));
      const attempt = writeOf('default.12.3/0', 2_000_000, others, { session: write.session });
      await begin();
      for (const force of [false, true])
        expect(await reapplyOne(database, attempt, options({ force }))).toEqual({
          kind: 'begun',
          by: write.id,
        });
      expect(await appliedAmong([attempt], database)).toEqual(new Set());
      expect(await reapplyOne(database, write)).toMatchObject({ kind: 'reapplied' });
      expect(await reapplyOne(database, attempt)).toEqual({ kind: 'repeated' });
      expect(await appliedAmong([write, attempt], database)).toEqual(new Set([write, attempt]));
    },
  );

  it('is not told as there when it was to come back by its own re-application, lost as well, and that was broken off', async () => {
    const few = Object.fromEntries(keys.slice(0, 200).map((key) => [key, 'lost']));
    const first = writeOf('default.9.2/0', 10, few);
    const again = writeOf(
      'default.12.3/0',
      2000,
      { ...few, [markKey(first).toString()]: 'default.9.2 200 1' },
      { ack: 'quorum' },
    );
    await begin(again, true);
    expect(await appliedAmong([first], database)).toEqual(new Set());
    expect(await reapplyOne(database, again)).toMatchObject({ kind: 'reapplied' });
    expect(await reapplyOne(database, first)).toEqual({ kind: 'repeated' });
    expect(Object.keys(few).map((key) => database.value(key))).toEqual(Object.values(few));
  });

  it('is whole when two bring it back at the same moment', async () => {
    const given = options({ force: true });
    const results = await Promise.all([
      reapplyOne(database, write, given),
      reapplyOne(database, write, given),
    ]);
    expect(results.map(({ kind }) => kind)).toContain('reapplied');
    expect(results.every(({ kind }) => kind === 'reapplied' || kind === 'repeated')).toBe(true);
    expect(database.writes).toBe(2);
  });
});

describe('a write that meets an error', () => {
  const writes = Array.from({ length: 200 }, (_, at) =>
    writeOf(`default.7.2/${at}`, 10 + at, { [`k${at}`]: 'lost' }),
  );

  /** The write of `key` fails. */
  function fail(key: string, code: ErrorCode): HoldfastError {
    const only = database.write.bind(database);
    const error = new HoldfastError(code, 'no');
    database.write = async (operations, conditions) => {
      if (operations.some((operation) => operation.key.toString() === key)) throw error;
      return await only(operations, conditions);
    };
    return error;
  }

  async function apply(given = options()): Promise<ReapplyResult[]> {
    return await new Reapplication(database, given).apply(writes);
  }

  it('keeps no other back, if it is about that write', async () => {
    const error = fail('k70', 'HOLDFAST_REQUEST_TOO_LARGE');
    const results = await apply();
    expect(results).toHaveLength(writes.length);
    expect(results[70]).toEqual({ kind: 'failed', keys: 0, error });
    expect(results.filter(({ kind }) => kind === 'reapplied')).toHaveLength(writes.length - 1);
  });

  it.each(['HOLDFAST_OUTCOME_UNKNOWN', 'HOLDFAST_DEADLINE_EXCEEDED', 'HOLDFAST_NO_PRIMARY'] as const)(
    'ends the run if it is about the cluster, %s: what was done is told',
    async (code) => {
      const error = fail('k70', code);
      const results = await apply();
      expect(results).toHaveLength(128);
      expect(results[70]).toEqual({ kind: 'failed', keys: 0, error });
      expect(results.filter(({ kind }) => kind === 'reapplied')).toHaveLength(127);
      expect(database.value('k127')).toBe('lost');
      expect(database.value('k128')).toBe(undefined);
    },
  );

  it('may meet it when its key is read', async () => {
    const read = database.read.bind(database);
    const error = new HoldfastError('HOLDFAST_NO_PRIMARY', 'no');
    database.read = async (key) => {
      if (key.toString() === 'k1') throw error;
      return await read(key);
    };
    const results = await apply();
    expect(results[1]).toEqual({ kind: 'failed', keys: 0, error });
    expect(results.filter(({ kind }) => kind === 'reapplied')).toHaveLength(63);
  });

  it('may meet it when nobody tells what became of the calls: what is there already is told all the same', async () => {
    await new Reapplication(database, options()).apply([writes[3]!]);
    const error = new HoldfastError('HOLDFAST_NOT_READY', 'no');
    const results = await apply({ ...options(), survived: () => Promise.reject(error) });
    expect(results[2]).toEqual({ kind: 'failed', keys: 0, error });
    expect(results[3]).toEqual({ kind: 'repeated' });
    expect(database.writes).toBe(1);
  });
});
