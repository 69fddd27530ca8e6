import { SimDisk } from '@holdfast/sim';
import { DiskError } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { expectRecords, expectState } from './support/expectations.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openOn } from './support/opening.ts';
import { logOf, Replica } from './support/replica.ts';

const LOG = logOf(
  ['1', '2', '3', '4'].map((value) => ({
    kind: 'write',
    session: 0,
    writes: [
      [
        { key: 'a', value },
        { key: value, value },
      ],
    ],
  })),
);

function levelError(words: string): Error {
  return Object.assign(new Error(`IO error: /data/store/000007.log: ${words}`), { code: 'LEVEL_IO_ERROR' });
}

describe('a full disk', () => {
  test('lets batches wait and reads go on, until the store is opened again', async () => {
    const level = new LossyLevel();
    const { store, failures } = await openOn(level);
    const core = new Replica();
    await store.apply(core.apply(LOG.slice(0, 2)));
    const before = Replica.after(LOG.slice(0, 2));
    level.failure = levelError('No space left on device');
    const waiting = [store.apply(core.apply([LOG[2]!])), store.apply(core.apply([LOG[3]!]))];
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'HOLDFAST_DISK_FULL', cause: { code: 'ENOSPC' } });
    expect(failures[0]?.cause).toBeInstanceOf(DiskError);
    const late = store.apply(core.apply([LOG[4]!]));
    await expectReadable();
    await expect(store.checkpoint()).rejects.toMatchObject({
      code: 'HOLDFAST_NOT_READY',
      cause: { code: 'ENOSPC' },
    });

    await store.reopen();
    await Promise.all([...waiting, late]);
    await expectRecords(store, core);
    expect(await store.checkpoint()).toEqual(core.applied);
    expectState((await openOn(level.crash(() => false))).state, core);
    expect(failures).toHaveLength(1);

    async function expectReadable(): Promise<void> {
      expect(store.position).toEqual(before.applied);
      const scan = store.scan({ reverse: false, limit: -1, keys: true, values: true });
      expect(scan.revision).toBe(before.revision);
      expect((await scan.next({ entriesMax: 10, bytesMax: 1000 })).records).toHaveLength(
        before.records.size * 2,
      );
      await scan.close();
    }
  });

  test('met by a checkpoint: the old one stands, and a later one succeeds', async () => {
    const level = new LossyLevel();
    const { store, failures } = await openOn(level);
    const core = new Replica();
    await store.apply(core.apply(LOG.slice(0, 2)));
    const first = await store.checkpoint();
    await store.apply(core.apply(LOG.slice(2, 3)));
    level.failure = levelError('No space left on device');
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(store.checkpointed).toEqual(first);
    await expect.poll(() => failures.length).toBe(1);
    await store.reopen();
    expect(await store.checkpoint()).toEqual(core.applied);
  });

  test('a store that cannot be opened again refuses reads until it can', async () => {
    const level = new LossyLevel();
    const { store } = await openOn(level);
    const core = new Replica();
    await store.apply(core.apply(LOG.slice(0, 2)));
    const open = level.open.bind(level);
    level.open = () => Promise.reject(levelError('No space left on device'));
    await expect(store.reopen()).rejects.toMatchObject({
      code: 'HOLDFAST_DISK_FULL',
      cause: { code: 'ENOSPC' },
    });
    const waiting = store.apply(core.apply(LOG.slice(2)));
    expect(() => store.get([Buffer.from('a')])).toThrow(
      expect.objectContaining({
        code: 'HOLDFAST_NOT_READY',
        cause: expect.objectContaining({ code: 'ENOSPC' }),
      }),
    );
    level.open = open;
    await store.reopen();
    await waiting;
    await expectRecords(store, core);
    await store.close();
    await expect(store.checkpoint()).rejects.not.toHaveProperty('cause');
  });

  test('a store that proves damaged when it is opened again has failed, once', async () => {
    const level = new LossyLevel();
    const { store, failures } = await openOn(level);
    await store.apply(new Replica().apply(LOG));
    const damage = Object.assign(new Error('Corruption: block checksum mismatch'), {
      code: 'LEVEL_CORRUPTION',
    });
    level.open = () => Promise.reject(damage);
    await expect(store.reopen()).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'HOLDFAST_NOT_READY' });
  });

  test('a store that the disk cannot read when it is opened again has failed', async () => {
    const level = new LossyLevel();
    const { store, failures } = await openOn(level);
    await store.apply(new Replica().apply(LOG));
    level.open = () => Promise.reject(levelError('Input/output error'));
    await expect(store.reopen()).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'HOLDFAST_DISK_FAILED', cause: { code: 'EIO' } });
  });

  test('closing gives up what waits', async () => {
    const level = new LossyLevel();
    const { store, failures } = await openOn(level);
    level.failure = levelError('No space left on device');
    const waiting = expect(store.apply(new Replica().apply(LOG))).rejects.toMatchObject({
      code: 'HOLDFAST_NOT_READY',
    });
    await expect.poll(() => failures.length).toBe(1);
    await store.close();
    await waiting;
  });
});

describe('any other failure', () => {
  test('is final: told once, every batch rejected', async () => {
    const level = new LossyLevel();
    const { store, failures } = await openOn(level);
    const core = new Replica();
    await store.apply(core.apply(LOG.slice(0, 1)));
    level.failure = levelError('Input/output error');
    const batches = [store.apply(core.apply([LOG[1]!])), store.apply(core.apply([LOG[2]!]))];
    const outcomes = await Promise.allSettled(batches);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual([
      expect.stringContaining('Input/output error'),
      expect.stringContaining('Input/output error'),
    ]);
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'HOLDFAST_DISK_FAILED', cause: { code: 'EIO' } });
    level.failure = undefined;
    const refused = { code: 'HOLDFAST_NOT_READY', cause: { code: 'EIO' } };
    await expect(store.apply(core.apply([LOG[3]!]))).rejects.toMatchObject(refused);
    await store.close();
    await expect(store.checkpoint()).rejects.toMatchObject(refused);
  });

  test('of the directory sync leaves the checkpoint where it was', async () => {
    const disk = new SimDisk();
    const { store, failures } = await openOn(new LossyLevel(), { disk });
    await store.apply(new Replica().apply(LOG));
    disk.inject({ operation: 'syncDirectory', code: 'EIO' });
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'EIO' });
    expect(store.checkpointed.index).toBe(0);
    await expect.poll(() => failures.length).toBe(1);
  });
});

describe('what the disk cannot read', () => {
  const EIO = levelError('Input/output error');

  /** A store with all of `LOG` in which reads of `a` fail as long as the test says so. */
  function badSector(): { level: LossyLevel; isBad: { now: boolean } } {
    const level = new LossyLevel();
    const isBad = { now: false };
    const { getSync, iterator } = level;
    level.getSync = (key, options) => {
      if (isBad.now && Buffer.from(key).includes('a')) throw EIO;
      return getSync.call(level, key, options);
    };
    level.iterator = (range) => {
      const opened = iterator.call(level, range);
      const { nextv } = opened;
      opened.nextv = (size) => (isBad.now && range.gte === undefined ? Promise.reject(EIO) : nextv(size));
      return opened;
    };
    return { level, isBad };
  }

  test('is looked for at the next start, and makes the store unusable for as long as it is there', async () => {
    const disk = new SimDisk();
    const { level, isBad } = badSector();
    const { store, failures } = await openOn(level, { disk });
    const core = new Replica();
    await store.apply(core.apply(LOG));
    await store.checkpoint();
    isBad.now = true;
    expect(() => store.get([Buffer.from('a')])).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_DISK_FAILED' }),
    );
    await expect.poll(() => failures.length).toBe(1);
    await store.close();
    for (let start = 0; start < 2; start += 1) {
      const opened = await openOn(level, { disk });
      expect(opened).toMatchObject({ usable: false, reason: expect.stringContaining('Input/output error') });
      await opened.store.close();
    }
    isBad.now = false;
    for (let start = 0; start < 2; start += 1) {
      const opened = await openOn(level, { disk });
      expect(opened.usable).toBe(true);
      if (!isBad.now) await expectRecords(opened.store, core);
      await opened.store.close();
      // The first found all of it in order: nothing is looked for any more.
      isBad.now = true;
    }
  });

  test('fails the start that meets it, and is damage to the next', async () => {
    const disk = new SimDisk();
    const level = new LossyLevel();
    const open = level.open.bind(level);
    level.open = () => Promise.reject(EIO);
    await expect(openOn(level, { disk })).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
    expect(await openOn(level, { disk })).toMatchObject({ usable: false });
    level.open = open;
    expect((await openOn(level, { disk })).usable).toBe(true);
  });

  test.each([
    ['remove', '/data/store/SUSPECT'],
    ['syncDirectory', '/data/store'],
  ] as const)(
    'is not what could all be read: %s failed when that was to be noted',
    async (operation, path) => {
      const disk = new SimDisk();
      const level = new LossyLevel();
      const { store, failures } = await openOn(level, { disk });
      level.failure = EIO;
      await expect(store.apply(new Replica().apply(LOG))).rejects.toThrow('Input/output error');
      await expect.poll(() => failures.length).toBe(1);
      await store.close();
      level.failure = undefined;
      disk.inject({ operation, path, code: 'EIO' });
      await expect(openOn(level, { disk })).rejects.toMatchObject({ code: 'HOLDFAST_DISK_FAILED' });
      expect((await openOn(level, { disk })).usable).toBe(true);
    },
  );
});

test('a disk that fails while the first record is written fails that start, and leaves a new store to the next', async () => {
  const disk = new SimDisk();
  const level = new LossyLevel();
  const open = level.open.bind(level);
  level.open = async () => {
    await open();
    level.failure = levelError('Input/output error');
  };
  const failed = { code: 'HOLDFAST_DISK_FAILED', cause: { code: 'EIO' } };
  for (let start = 0; start < 2; start += 1) {
    await expect(openOn(level, { disk })).rejects.toMatchObject(failed);
    expect(await disk.list('/data/store')).toEqual([]);
  }
  level.open = open;
  const { store, usable } = await openOn(level, { disk });
  expect(usable).toBe(true);
  const core = new Replica();
  await store.apply(core.apply(LOG));
  await expectRecords(store, core);
});

describe('a disk that fills while the first record is written', () => {
  test('is said to be full, and the store opens once there is space', async () => {
    const level = new LossyLevel();
    const open = level.open.bind(level);
    level.open = async () => {
      await open();
      level.failure = levelError('No space left on device');
    };
    await expect(openOn(level)).rejects.toMatchObject({
      code: 'HOLDFAST_DISK_FULL',
      cause: { code: 'ENOSPC' },
    });
    level.open = open;
    expect((await openOn(level)).usable).toBe(true);
  });
});
