import type { Entry, KeyRange, Revision } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../src/index.ts';
import { key, plan, runs } from './support/arbitraries.ts';
import { expectRecords, expectState } from './support/expectations.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openIn, openOn, temporaryDirectory } from './support/opening.ts';
import { logOf, Replica } from './support/replica.ts';

const ALL: KeyRange = { reverse: false, limit: -1, keys: true, values: true };

function put(...pairs: readonly (readonly [string, string])[]): Entry[] {
  return logOf([
    { kind: 'write', session: 0, writes: [pairs.map(([name, value]) => ({ key: name, value }))] },
  ]);
}

describe('a store holds what the log says', () => {
  test('after any batches and any restarts', async () => {
    const batches = fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), restart: fc.boolean() }), {
      minLength: 15,
      maxLength: 15,
    });
    await fc.assert(
      fc.asyncProperty(plan, batches, async (planned, cuts) => {
        const log = logOf(planned);
        const level = new LossyLevel();
        let { store } = await openOn(level);
        const core = new Replica();
        for (const { size, restart } of cuts) {
          const entries = log.slice(core.applied.index, core.applied.index + size);
          if (entries.length === 0) break;
          await store.apply(core.apply(entries));
          expect(store.position).toEqual(core.applied);
          expect(store.revision).toBe(core.revision);
          if (!restart) continue;
          await store.checkpoint();
          await store.close();
          const opened = await openOn(level);
          expectState(opened.state, core);
          store = opened.store;
          await expectRecords(store, core);
        }
        await expectRecords(store, core);
      }),
      runs(200),
    );
  });

  test('on LevelDB too', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (planned) => {
        const directory = await temporaryDirectory();
        const log = logOf(planned);
        const core = new Replica();
        const { store } = await openIn(directory);
        for (const entry of log) await store.apply(core.apply([entry]));
        await store.checkpoint();
        await expectRecords(store, core);
        await store.close();
        const again = await openIn(directory);
        expectState(again.state, core);
        expect(again.state.checkpoint).toEqual(core.applied);
        await expectRecords(again.store, core);
        await again.store.close();
      }),
      runs(8),
    );
  });

  test('an empty directory is an empty store, with nothing to apply again', async () => {
    const { store, state, usable } = await openOn(new LossyLevel());
    expect(usable).toBe(true);
    expectState(state, new Replica());
    expect(store.get([Buffer.from('a')])).toEqual({ records: [undefined], revision: 0 });
  });
});

describe('what is written together is seen together', () => {
  test('data, position, sessions and history are one batch: fault 43', async () => {
    const log = logOf([
      { kind: 'open' },
      { kind: 'write', session: 0, writes: [[{ key: 'a', value: '1' }]] },
    ]);
    const level = new LossyLevel();
    const { store } = await openOn(level);
    await store.apply(Replica.after([]).apply(log));
    expect(level.batchesAtRisk).toBe(1);
    expectState((await openOn(level.crash(() => true))).state, Replica.after(log));
    const lost = await openOn(level.crash(() => false));
    expectState(lost.state, new Replica());
    await expectRecords(lost.store, new Replica());
  });

  test('batches asked for at once are written in that order', async () => {
    const log = logOf(
      Array.from({ length: 20 }, (_, place) => ({
        kind: 'write',
        session: 0,
        writes: [[{ key: 'a', value: `${place}` }]],
      })),
    );
    const { store } = await openOn(new LossyLevel());
    const core = new Replica();
    const order: number[] = [];
    await Promise.all(
      log.map((entry) => store.apply(core.apply([entry])).then(() => order.push(entry.index))),
    );
    expect(order).toEqual(log.map(({ index }) => index));
    await expectRecords(store, core);
  });

  test('the revision answered covers a batch that is being written', async () => {
    const log = put(['a', 'old'], ['b', 'old']);
    const level = new LossyLevel();
    const { store } = await openOn(level);
    const core = new Replica();
    await store.apply(core.apply(log.slice(0, 1)));
    const before = store.revision;
    let open = (): void => {};
    level.gate = new Promise((resolve) => {
      open = resolve;
    });
    const applied = store.apply(core.apply(log.slice(1)));
    await new Promise(setImmediate);
    expect(store.get([Buffer.from('a')]).revision).toBe(core.revision);
    expect(store.revision).toBe(before);
    // Several keys are read at one moment, and the moment's own revision is known.
    expect(store.get([Buffer.from('a'), Buffer.from('b')])).toEqual({
      records: [undefined, undefined],
      revision: before,
    });
    open();
    await applied;
    expect(store.get([Buffer.from('a')]).records[0]?.revision).toBe(before + 1);
  });

  test('on LevelDB no read of two keys stands between the halves of a batch', async () => {
    const { store } = await openIn(await temporaryDirectory());
    const log = logOf(
      Array.from({ length: 300 }, (_, place) => ({
        kind: 'write',
        session: 0,
        writes: [[{ key: 'a', value: `${place}` }, ...filler(place), { key: 'b', value: `${place}` }]],
      })),
    );
    const core = new Replica();
    let applying = true;
    const applied = Promise.all(log.map((entry) => store.apply(core.apply([entry])))).then(() => {
      applying = false;
    });
    let reads = 0;
    while (applying) {
      const [a, b] = store.get([Buffer.from('a'), Buffer.from('b')]).records;
      expect(text(a?.value)).toBe(text(b?.value));
      reads += 1;
      await new Promise(setImmediate);
    }
    await applied;
    expect(reads).toBeGreaterThan(10);
    await store.close();
  });
});

describe('scan', () => {
  const bound = fc.option(key, { nil: undefined });
  const ranges = fc
    .record({
      lower: fc.constantFrom('gt' as const, 'gte' as const),
      from: bound,
      upper: fc.constantFrom('lt' as const, 'lte' as const),
      to: bound,
      reverse: fc.boolean(),
      limit: fc.constantFrom(-1, 0, 1, 2, 5),
      keys: fc.boolean(),
      values: fc.boolean(),
    })
    .map(
      ({ lower, from, upper, to, ...rest }): KeyRange => ({
        ...rest,
        ...(from === undefined ? {} : { [lower]: Buffer.from(from) }),
        ...(to === undefined ? {} : { [upper]: Buffer.from(to) }),
      }),
    );

  test('gives what a sorted array gives, in pages of any size, whatever is written meanwhile', async () => {
    const pages = fc.record({
      entriesMax: fc.integer({ min: 1, max: 4 }),
      bytesMax: fc.constantFrom(1, 30, 10_000),
    });
    await fc.assert(
      fc.asyncProperty(plan, plan, ranges, pages, async (before, after, range, page) => {
        const log = logOf([...before, ...after]);
        const { store } = await openOn(new LossyLevel());
        const core = new Replica();
        await store.apply(core.apply(log.slice(0, before.length + 1)));
        const expected = expectedScan(core, range);
        const revision = core.revision;
        const scan = store.scan(range);
        if (log.length > before.length + 1) await store.apply(core.apply(log.slice(before.length + 1)));
        expect(scan.revision).toBe(revision);
        expect(await allOf(scan, page)).toEqual(expected);
        await scan.close();
      }),
      runs(300),
    );
  });

  test('pages hold both bounds, but at least one entry, and the last says so', async () => {
    const { store } = await openIn(await temporaryDirectory());
    const core = new Replica();
    const writes = Array.from({ length: 10 }, (_, place) => ({ key: `k${place}`, value: 'x'.repeat(1000) }));
    await store.apply(core.apply(logOf([{ kind: 'write', session: 0, writes: [writes] }])));
    const scan = store.scan(ALL);
    const pages = [
      await scan.next({ entriesMax: 3, bytesMax: 1_000_000 }),
      await scan.next({ entriesMax: 100, bytesMax: 2100 }),
      await scan.next({ entriesMax: 100, bytesMax: 1 }),
      await scan.next({ entriesMax: 4, bytesMax: 1_000_000 }),
    ];
    expect(pages.map(({ records, done }) => [records.length / 2, done])).toEqual([
      [3, false],
      [2, false],
      [1, false],
      [4, true],
    ]);
    await scan.close();
    await store.close();
  });

  test('seek goes on elsewhere, without counting what was read ahead', async () => {
    const { store } = await openIn(await temporaryDirectory());
    const core = new Replica();
    await store.apply(
      core.apply(put(...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, name.repeat(50)] as const))),
    );
    for (const reverse of [false, true]) {
      const scan = store.scan({ ...ALL, reverse, limit: 4 });
      const first = await scan.next({ entriesMax: 4, bytesMax: 60 });
      expect(texts(first.records)[0]).toBe(reverse ? 'f' : 'a');
      scan.seek(Buffer.from('c'));
      const rest = await scan.next({ entriesMax: 100, bytesMax: 10_000 });
      expect(texts(rest.records).filter((_, place) => place % 2 === 0)).toEqual(
        reverse ? ['c', 'b', 'a'] : ['c', 'd', 'e'],
      );
      expect(rest.done).toBe(true);
      await scan.close();
    }
    await store.close();
  });

  test('used wrongly is an error of the caller, not of the store', async () => {
    const { store, failures } = await openIn(await temporaryDirectory());
    await store.apply(new Replica().apply(put(['a', '1'])));
    const scan = store.scan(ALL);
    const page = scan.next({ entriesMax: 1, bytesMax: 100 });
    expect(() => scan.seek(Buffer.from('a'))).toThrow(
      expect.objectContaining({ code: 'LEVEL_ITERATOR_BUSY' }),
    );
    expect((await page).records).toHaveLength(2);
    expect(store.get([Buffer.from('a')]).records[0]).toBeDefined();
    expect(failures).toEqual([]);
    await scan.close();
    await store.close();
  });

  test('is lost, not wrong, when the store is closed under it', async () => {
    const { store } = await openIn(await temporaryDirectory());
    await store.apply(new Replica().apply(put(['a', '1'])));
    const scan = store.scan(ALL);
    await store.close();
    await expect(scan.next({ entriesMax: 1, bytesMax: 100 })).rejects.toMatchObject({
      code: 'HOLDFAST_SNAPSHOT_LOST',
    });
    expect(() => store.get([Buffer.from('a')])).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_NOT_READY' }),
    );
  });
});

describe('view', () => {
  test('shows one moment to any number of reads, and its scans outlast it', async () => {
    const { store } = await openIn(await temporaryDirectory());
    const core = new Replica();
    await store.apply(core.apply(put(['a', '1'], ['b', '1'])));
    const view = store.view();
    expect(view.revision).toBe(store.revision);
    const scan = view.scan(ALL);
    await store.apply(core.apply(put(['a', '2'], ['c', '2'])));
    const keys = ['a', 'b', 'c'].map((name) => Buffer.from(name));
    expect(view.get(keys, 1000).map((record) => text(record?.value))).toEqual(['1', '1', 'absent']);
    expect(view.get(keys, 0)).toHaveLength(1);
    await view.close();
    expect(await allOf(scan, { entriesMax: 10, bytesMax: 1000 })).toEqual(['a', '1', 'b', '1']);
    await scan.close();
    expect(() => view.get(keys, 1000)).toThrow(expect.objectContaining({ code: 'HOLDFAST_SNAPSHOT_LOST' }));
    await store.close();
  });

  test('is lost, not wrong, when the store is closed under it', async () => {
    const { store, failures } = await openIn(await temporaryDirectory());
    await store.apply(new Replica().apply(put(['a', '1'])));
    const view = store.view();
    await store.close();
    const lost = expect.objectContaining({ code: 'HOLDFAST_SNAPSHOT_LOST' });
    expect(() => view.get([Buffer.from('a')], 100)).toThrow(lost);
    expect(failures).toEqual([]);
    await view.close();
  });
});

test('the digest is of user data alone: equal for the same data, whatever way it came', async () => {
  const log = logOf([
    { kind: 'open' },
    {
      kind: 'write',
      session: 0,
      writes: [
        [
          { key: 'a', value: '1' },
          { key: 'b', value: '2' },
        ],
      ],
    },
    { kind: 'write', session: 0, writes: [[{ key: 'b' }]] },
  ]);
  const digestAfter = async (...groups: readonly (readonly Entry[])[]) => {
    const { store } = await openOn(new LossyLevel());
    const core = new Replica();
    for (const group of groups) await store.apply(core.apply(group));
    return await store.digest();
  };
  const one = await digestAfter(log);
  expect(await digestAfter(...log.map((entry) => [entry]))).toEqual(one);
  expect(one).toMatchObject({ applied: { index: 4, term: 1 }, keys: 1 });
  expect((await digestAfter(log.slice(0, 3))).digest).not.toBe(one.digest);
  const moved = log.map((entry) => ({ ...entry, firstRevision: (entry.firstRevision + 1) as Revision }));
  expect((await digestAfter(moved)).digest).not.toBe(one.digest);
});

function filler(place: number): { key: string; value: string }[] {
  return Array.from({ length: 50 }, (_, number) => ({ key: `f${number}`, value: `${place}`.repeat(20) }));
}

function expectedScan(model: Replica, range: KeyRange): string[] {
  const found = model.sorted().filter(({ key: name }) => {
    const bytes = Buffer.from(name);
    return (
      (range.gt === undefined || Buffer.compare(bytes, range.gt) > 0) &&
      (range.gte === undefined || Buffer.compare(bytes, range.gte) >= 0) &&
      (range.lt === undefined || Buffer.compare(bytes, range.lt) < 0) &&
      (range.lte === undefined || Buffer.compare(bytes, range.lte) <= 0)
    );
  });
  if (range.reverse) found.reverse();
  const limited = range.limit < 0 ? found : found.slice(0, range.limit);
  return limited.flatMap(({ key: name, record }) => [
    range.keys ? name : '',
    range.values ? text(record.value) : '',
  ]);
}

async function allOf(
  scan: ReturnType<Store['scan']>,
  page: { entriesMax: number; bytesMax: number },
): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const { records, done } = await scan.next(page);
    expect(records.length / 2).toBeLessThanOrEqual(page.entriesMax);
    found.push(...texts(records));
    if (done) return found;
    expect(records.length).toBeGreaterThan(0);
  }
}

function texts(records: readonly Uint8Array[]): string[] {
  return records.map(text);
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'absent' : Buffer.from(bytes).toString();
}
