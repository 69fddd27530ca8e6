import { HoldfastError } from '@holdfast/types';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DivergedEntry, DivergedMutation } from '../../src/divergence/diverged-entries.ts';
import { markKey, type ReapplyDatabase, reapply } from '../../src/divergence/reapply.ts';
import { isReserved } from '../../src/reserved-keys.ts';

/** The semantics of the cluster, in memory: one revision per mutation, writes with conditions, all or nothing. */
class FakeDatabase implements ReapplyDatabase {
  readonly records = new Map<string, { value: Buffer; revision: number }>();
  revision = 0;
  writes = 0;
  /** Called once, before the next write. */
  beforeWrite: (() => void) | undefined;

  async read(key: Buffer): Promise<{ value: Buffer; revision: number } | undefined> {
    return this.records.get(key.toString());
  }

  put(key: string, value: string): number {
    this.revision += 1;
    this.records.set(key, { value: Buffer.from(value), revision: this.revision });
    return this.revision;
  }

  async write(
    operations: Parameters<ReapplyDatabase['write']>[0],
    { conditions }: Parameters<ReapplyDatabase['write']>[1],
  ): Promise<{ revision: number }> {
    this.beforeWrite?.();
    this.beforeWrite = undefined;
    if (conditions.length > 256) throw new HoldfastError('HOLDFAST_REQUEST_TOO_LARGE', 'too many conditions');
    for (const { key, revision } of conditions) {
      if ((this.records.get(key.toString())?.revision ?? 0) !== revision)
        throw new HoldfastError('HOLDFAST_CONFLICT', 'no');
    }
    this.writes += 1;
    for (const operation of operations) {
      if (operation.type === 'put') this.put(operation.key.toString(), operation.value.toString());
      else {
        this.revision += 1;
        this.records.delete(operation.key.toString());
      }
    }
    return { revision: this.revision };
  }

  value(key: string): string | undefined {
    return this.records.get(key)?.value.toString();
  }
}

function entryOf(id: string, revision: number, changes: Record<string, string | undefined>): DivergedEntry {
  const [, index, term] = id.split('.').map(Number) as [number, number, number];
  const mutations = Object.entries(changes).map(
    ([key, value], at): DivergedMutation => ({
      kind: value === undefined ? 'del' : 'put',
      key: Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
      revision: revision + at,
      ack: 'local',
    }),
  );
  const asked = { local: mutations.length, quorum: 0, all: 0 };
  const counts = { writeCount: mutations.length, mutationCount: mutations.length, bytes: 1, asked };
  return { id, index, term, undecided: false, ...counts, mutations };
}

const plain = { force: false, older: [] };
let database: FakeDatabase;

beforeEach(() => {
  database = new FakeDatabase();
  database.put('a', 'old');
  database.put('gone', 'old');
  // A term later: nothing written now was there when the entry was lost.
  database.revision = 1000;
});

describe('a diverged entry', () => {
  const entry = entryOf('default.7.2', 10, { a: 'lost', b: 'lost', gone: undefined });

  it('is written again, deletes included, once', async () => {
    expect(await reapply(database, entry, plain)).toEqual({ kind: 'reapplied', keys: 3, revision: 1004 });
    expect([database.value('a'), database.value('b'), database.value('gone')]).toEqual([
      'lost',
      'lost',
      undefined,
    ]);
    database.put('a', 'later');
    expect(await reapply(database, entry, plain)).toEqual({ kind: 'repeated' });
    expect(database.value('a')).toBe('later');
  });

  it('leaves its mark where scans do not show it', async () => {
    await reapply(database, entry, plain);
    expect(database.value(markKey(entry.id).toString())).toBe('3');
    expect(isReserved(markKey(entry.id))).toBe(true);
  });

  it('is a conflict, as a whole, when a key was written since', async () => {
    const revision = database.put('b', 'since');
    expect(await reapply(database, entry, plain)).toEqual({
      kind: 'conflict',
      key: Buffer.from('b'),
      revision,
    });
    expect(database.value('a')).toBe('old');
    expect(await reapply(database, entry, { ...plain, force: true })).toMatchObject({ kind: 'reapplied' });
    expect(database.value('b')).toBe('lost');
  });

  it('notices what is written between the look and the write', async () => {
    database.beforeWrite = () => database.put('a', 'just now');
    expect(await reapply(database, entry, plain)).toMatchObject({ kind: 'conflict', key: Buffer.from('a') });
    expect(database.value('a')).toBe('just now');
  });

  it.each([false, true])('is written once by two who do it at the same moment (force: %s)', async (force) => {
    const options = { ...plain, force };
    const results = await Promise.all([reapply(database, entry, options), reapply(database, entry, options)]);
    expect(results.map(({ kind }) => kind).sort()).toEqual(['reapplied', 'repeated']);
    expect(database.writes).toBe(1);
  });

  it('takes only the last of several mutations of a key', async () => {
    const mutations = [
      ...entry.mutations,
      { ...entry.mutations[0]!, value: Buffer.from('last'), revision: 13 },
    ];
    await reapply(database, { ...entry, mutations }, plain);
    expect(database.value('a')).toBe('last');
  });

  it('of which nobody knows whether it survived is written by force only', async () => {
    const undecided = { ...entry, undecided: true };
    await expect(reapply(database, undecided, plain)).rejects.toMatchObject({ code: 'HOLDFAST_CONFLICT' });
    expect(await reapply(database, undecided, { ...plain, force: true })).toMatchObject({
      kind: 'reapplied',
    });
  });
});

describe('several diverged entries of the same key', () => {
  const first = entryOf('default.7.2', 10, { a: 'first' });
  const second = entryOf('default.8.2', 11, { a: 'second' });

  it('come back in order: what an older one wrote is no change since', async () => {
    expect(await reapply(database, first, plain)).toMatchObject({ kind: 'reapplied' });
    expect(await reapply(database, second, { force: false, older: [first] })).toMatchObject({
      kind: 'reapplied',
    });
    expect(database.value('a')).toBe('second');
  });

  it('are not put over newer ones', async () => {
    await reapply(database, second, { force: false, older: [first] });
    expect(await reapply(database, first, plain)).toMatchObject({ kind: 'conflict' });
    expect(database.value('a')).toBe('second');
  });

  it('do not hide a change by somebody else', async () => {
    await reapply(database, first, plain);
    database.put('a', 'since');
    expect(await reapply(database, second, { force: false, older: [first] })).toMatchObject({
      kind: 'conflict',
    });
  });
});

it('brings back an entry of more keys than a write takes conditions', async () => {
  const changes = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`k${at}`, String(at)]));
  const entry = entryOf('default.9.2', 10, changes);
  expect(await reapply(database, entry, plain)).toMatchObject({ kind: 'reapplied', keys: 1000 });
  expect(database.value('k999')).toBe('999');
  expect(await reapply(database, entry, plain)).toEqual({ kind: 'repeated' });
  const next = entryOf('default.10.2', 1100, { k500: 'newer' });
  // Every part left a mark of its own.
  expect(await reapply(database, next, { force: false, older: [entry] })).toMatchObject({
    kind: 'reapplied',
  });
});
