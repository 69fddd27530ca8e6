import { SimDisk } from '@holdfast/sim';
import type { Entry, LogIndex } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { DivergenceFile, type DivergenceFileOptions } from '../src/index.ts';
import { logOf, type PlannedEntry } from './support/replica.ts';

const PATH = '/data/divergence.log';
const PLAN: readonly PlannedEntry[] = [
  { kind: 'open' },
  { kind: 'write', session: 0, writes: [[{ key: 'a', value: 'one' }]] },
  { kind: 'write', session: 0, writes: [[]] },
  { kind: 'write', session: 0, writes: [[{ key: 'c', value: 'x'.repeat(3000) }]] },
  { kind: 'write', session: 0, writes: [[{ key: 'd', value: 'four' }]] },
];

function newDisk(): SimDisk {
  return SimDisk.holding(new Map([['/data/', new Uint8Array(0)]]));
}

function open(disk: SimDisk, options: Partial<DivergenceFileOptions> = {}): Promise<DivergenceFile> {
  return DivergenceFile.open({ disk, path: PATH, ...options });
}

function ids(file: DivergenceFile): string[] {
  return file.list().map(({ id }) => id);
}

describe('a failing disk', () => {
  test('when full refuses, keeps what it had, and takes the same entries later', async () => {
    const disk = newDisk();
    const log = logOf(PLAN);
    const file = await open(disk);
    await file.file('default', log.slice(0, 3), false);
    disk.capacityBytes = 4096;
    await expect(file.file('default', big(log[3]!), false)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(ids(file)).toEqual(['default.3.1']);
    expect(await file.show('default.3.1')).toBeDefined();
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await file.file('default', [...big(log[3]!), ...log], false);
    disk.crash({ keep: 'synced' });
    expect(ids(await open(disk))).toEqual(['default.3.1', 'default.900.1', 'default.5.1', 'default.6.1']);
  });

  test('that failed a sync is not asked again: nobody knows what it holds', async () => {
    const disk = newDisk();
    const log = logOf(PLAN);
    const file = await open(disk);
    disk.inject({ operation: 'sync', code: 'EIO' });
    await expect(file.file('default', log, false)).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.file('default', log, false)).rejects.toMatchObject({ code: 'EIO' });
    expect(ids(file)).toEqual([]);
  });

  test('that failed a sync and shows what it lost until the power fails does not have it listed', async () => {
    const disk = newDisk();
    const log = logOf(PLAN);
    const file = await open(disk);
    await file.file('default', log.slice(0, 3), false);
    disk.inject({ operation: 'sync', code: 'EIO' });
    await expect(file.file('default', log, false)).rejects.toMatchObject({ code: 'EIO' });
    // The same machine: it is read from the page cache, and later syncs leave it out.
    disk.endProcess();
    const again = await open(disk);
    await again.file('default', log, false);
    expect(ids(again)).toEqual(['default.3.1', 'default.5.1', 'default.6.1']);
    disk.crash({ keep: 'synced' });
    expect(ids(await open(disk))).toEqual(['default.3.1', 'default.5.1', 'default.6.1']);
  });

  test.each([
    ['write', 'ENOSPC', []],
    ['write', 'EIO', [{ code: 'EIO' }]],
    ['sync', 'ENOSPC', [{ code: 'OTHER', cause: { code: 'ENOSPC' } }]],
    ['sync', 'EIO', [{ code: 'EIO' }]],
  ] as const)('in a %s with %s is a failure, unless it is full', async (operation, code, told) => {
    const disk = newDisk();
    const failures: Error[] = [];
    const file = await open(disk, { onFailure: (error: Error) => failures.push(error) });
    await file.file('default', logOf(PLAN), false);
    disk.inject({ operation, code });
    await expect(file.discard('default.3.1')).rejects.toMatchObject({ code: told[0]?.code ?? code });
    expect(failures).toMatchObject(told);
    expect(ids(file)).toEqual(['default.3.1', 'default.5.1', 'default.6.1']);
  });

  test.each(['rename', 'syncDirectory'] as const)(
    'that fails a %s while the file is written anew loses nothing',
    async (operation) => {
      for (const code of ['ENOSPC', 'EIO'] as const) {
        const disk = newDisk();
        const failures: Error[] = [];
        const limits = { wasteBytesMin: 0 };
        const file = await open(disk, { limits, onFailure: (error: Error) => failures.push(error) });
        await file.file('default', logOf(PLAN), false);
        await file.discard('default.3.1');
        // The copy syncs its directory too.
        disk.inject({ operation, code, after: operation === 'rename' ? 0 : 1 });
        const discarded = file.discard('default.5.1');
        if (code === 'ENOSPC' && operation === 'rename') {
          await expect(discarded).resolves.toBe(true);
          expect(failures).toEqual([]);
          expect(await file.show('default.6.1')).toBeDefined();
          await file.file('default', logOf(PLAN), false);
        } else {
          await expect(discarded).rejects.toMatchObject({ code });
          expect(failures).toMatchObject([{ code }]);
        }
        expect(ids(await open(disk.afterCrash({ keep: 'synced' })))).toEqual(['default.6.1']);
      }
    },
  );

  function big(like: Entry): Entry[] {
    const [entry] = logOf([
      { kind: 'write', session: 0, writes: [[{ key: 'big', value: 'y'.repeat(9000) }]] },
    ]).slice(1);
    return [{ ...entry!, index: 900 as LogIndex, term: like.term }];
  }
});
