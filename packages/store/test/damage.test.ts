import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeDisk, SystemClock } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, test } from 'vitest';
import { classicLevel, Store } from '../src/index.ts';
import { CHECKPOINT_KEY, FORMAT_KEY, historyKey, POSITION_KEY, userKey } from '../src/keys.ts';
import { seal } from '../src/record.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openIn, openOn, temporaryDirectory } from './support/opening.ts';
import { logOf, Replica } from './support/replica.ts';

const LOG = logOf([
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
]);

/** A LevelDB directory with all of `LOG` in tables. */
async function closedStore(): Promise<string> {
  const directory = await temporaryDirectory();
  const { store } = await openIn(directory);
  await store.apply(new Replica().apply(LOG));
  await store.checkpoint();
  await store.close();
  return directory;
}

async function storeInMemory(): Promise<LossyLevel> {
  const level = new LossyLevel();
  const { store } = await openOn(level);
  await store.apply(new Replica().apply(LOG));
  await store.checkpoint();
  return level;
}

async function expectUnusable(opening: ReturnType<typeof openOn>, reason: RegExp): Promise<void> {
  const { store, state, usable, reason: found } = await opening;
  expect(usable).toBe(false);
  expect(found).toMatch(reason);
  expect(state.applied.index).toBe(0);
  expect(() => store.get([Buffer.from('a')])).toThrow(
    expect.objectContaining({ code: 'HOLDFAST_NOT_READY' }),
  );
  await expect(store.apply(new Replica().apply(LOG))).rejects.toMatchObject({ code: 'HOLDFAST_NOT_READY' });
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'HOLDFAST_NOT_READY' });
  await store.close();
}

describe('a damaged store is never read as an empty one', () => {
  test.each([
    ['CURRENT', /^CURRENT$/, 'removed', /CURRENT is missing beside 1 tables/],
    ['the manifest', /^MANIFEST/, 'removed', /No such file/],
    ['the manifest', /^MANIFEST/, 'damaged', /Corruption/i],
    ['every table', /\.ldb$/, 'removed', /Corruption: \d+ missing files/],
    ['every table', /\.ldb$/, 'damaged', /./],
    ['CURRENT', /^CURRENT$/, 'damaged', /./],
  ] as const)('%s (%s) %s', async (_, pattern, how, reason) => {
    const directory = await closedStore();
    const names = (await readdir(directory)).filter((name) => pattern.test(name));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const path = join(directory, name);
      if (how === 'removed') await rm(path);
      else
        await writeFile(
          path,
          (await readFile(path)).map((byte) => byte ^ 0x55),
        );
    }
    await expectUnusable(openIn(directory), reason);
  });

  test.each([
    ['a missing position', [{ type: 'del', key: POSITION_KEY }], /none that says their position/],
    ['a missing format', [{ type: 'del', key: FORMAT_KEY }], /none that says their format/],
    [
      'an unknown format',
      [{ type: 'put', key: FORMAT_KEY, value: seal(FORMAT_KEY, Uint8Array.of(9)) }],
      /format 9 is unknown/,
    ],
    [
      'an unreadable position',
      [{ type: 'put', key: POSITION_KEY, value: Buffer.from('no position') }],
      /checksum/,
    ],
    [
      'a term start that does not decode',
      [{ type: 'put', key: historyKey(7 as never), value: seal(historyKey(7 as never), Uint8Array.of(1)) }],
      /ends too early/,
    ],
    [
      'a position below the checkpoint',
      [{ type: 'put', key: CHECKPOINT_KEY, value: seal(CHECKPOINT_KEY, Uint8Array.of(99, 1)) }],
      /older than the checkpoint/,
    ],
    [
      'a system record of an unknown kind',
      [
        {
          type: 'put',
          key: Uint8Array.of(0x10, 0x7a),
          value: seal(Uint8Array.of(0x10, 0x7a), Uint8Array.of(1)),
        },
      ],
      /unknown kind/,
    ],
  ] as const)('%s', async (_, operations, reason) => {
    const level = await storeInMemory();
    await level.batch([...operations], { sync: true });
    await expectUnusable(openOn(level), reason);
  });

  test('user data without any system record', async () => {
    const level = new LossyLevel();
    await level.open();
    await level.batch([{ type: 'put', key: userKey(Buffer.from('a')), value: Buffer.from('1') }], {
      sync: true,
    });
    await expectUnusable(openOn(level), /none that says their format/);
  });

  test('a record found damaged by a read: told, refused, and remembered over restarts', async () => {
    const level = await storeInMemory();
    const disk = new SimDisk();
    const failures: [Error, boolean][] = [];
    const { store } = await openOn(level, { disk, onFailure: (...told) => failures.push(told) });
    const key = userKey(Buffer.from('a'));
    const stored = Uint8Array.from(level.getSync(key)!);
    stored[10]! ^= 1;
    await level.batch([{ type: 'put', key, value: stored }], { sync: true });
    expect(() => store.get([Buffer.from('a')])).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_DISK_FAILED' }),
    );
    expect(() => store.get([Buffer.from('b')])).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_NOT_READY' }),
    );
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatchObject([
      { code: 'HOLDFAST_DISK_FAILED', message: 'the checksum of a record does not match' },
      true,
    ]);
    await store.close();
    await expectUnusable(openOn(level, { disk }), /damage was found before: the checksum of a record/);
  });

  test.each(['scan', 'digest', 'snapshot'] as const)('a damaged record is met by %s too', async (how) => {
    const level = await storeInMemory();
    const { store } = await openOn(level);
    await level.batch([{ type: 'put', key: userKey(Buffer.from('b')), value: Buffer.alloc(20) }], {
      sync: true,
    });
    const read = async (): Promise<void> => {
      if (how === 'digest') await store.digest();
      if (how === 'snapshot') for await (const _ of store.openSnapshot().chunks(1000));
      const scan = store.scan({ reverse: false, limit: -1, keys: true, values: true });
      await scan.next({ entriesMax: 10, bytesMax: 1000 });
    };
    await expect(read()).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
  });
});

test('a damaged position is met by a scan as well', async () => {
  const level = await storeInMemory();
  const { store } = await openOn(level);
  await level.batch([{ type: 'put', key: POSITION_KEY, value: Buffer.alloc(20) }], { sync: true });
  const range = { reverse: false, limit: -1, keys: true, values: true };
  expect(() => store.scan(range)).toThrow(expect.objectContaining({ code: 'HOLDFAST_DISK_FAILED' }));
});

describe('a directory that cannot be opened now is not a damaged one', () => {
  test('one that another has open: HOLDFAST_DATA_DIRECTORY_IN_USE', async () => {
    const directory = await closedStore();
    const { store } = await openIn(directory);
    await expect(openIn(directory)).rejects.toMatchObject({ code: 'HOLDFAST_DATA_DIRECTORY_IN_USE' });
    await store.close();
    expect((await openIn(directory)).usable).toBe(true);
  });

  test.each([
    ['No space left on device', 'HOLDFAST_DISK_FULL'],
    ['Permission denied', 'HOLDFAST_DATA_DIRECTORY_UNUSABLE'],
    ['Input/output error', 'HOLDFAST_DISK_FAILED'],
  ])('%s: %s', async (words, code) => {
    const level = new LossyLevel();
    level.open = () =>
      Promise.reject(
        Object.assign(new Error(`IO error: /data/store/000004.log: ${words}`), { code: 'LEVEL_IO_ERROR' }),
      );
    await expect(openOn(level)).rejects.toMatchObject({ code });
  });
});

test('a creation that a crash cut off before anything was written is begun again', async () => {
  const directory = await temporaryDirectory();
  const level = classicLevel(directory);
  await level.open();
  await level.close();
  await rm(join(directory, 'CURRENT'));
  const { store, usable, state } = await Store.open({
    directory,
    disk: new NodeDisk(),
    clock: new SystemClock(),
    onFailure: () => undefined,
  });
  expect(usable).toBe(true);
  expect(state.applied.index).toBe(0);
  await store.close();
});
