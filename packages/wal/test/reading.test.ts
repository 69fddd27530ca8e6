import type { SimDisk } from '@holdfast/sim';
import type { LogIndex } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { entriesRecord, entry } from './support/entries.ts';
import { DIRECTORY, Harness } from './support/harness.ts';

/** Larger than what is read at once: each entry takes a read of its own. */
const LARGE = 1_100_000;

function append(log: Harness, count: number, bytes = 20): void {
  for (let number = 0; number < count; number++) {
    const { index, term } = log.model.last;
    log.append(entriesRecord(entry({ index: index + 1, term: 1, previousTerm: term, bytes })));
  }
}

async function appendGroups(log: Harness, count: number, bytes?: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    append(log, 1, bytes);
    await log.settle();
  }
}

function range(from: number, to: number): { from: LogIndex; to: LogIndex; bytesMax: number } {
  return { from: from as LogIndex, to: to as LogIndex, bytesMax: 1e9 };
}

/** How many files are open on `disk`. */
function countOpenFiles(disk: SimDisk): () => number {
  const open = disk.open.bind(disk);
  let count = 0;
  disk.open = async (path, options) => {
    const file = await open(path, options);
    const close = file.close.bind(file);
    count += 1;
    file.close = () => {
      count -= 1;
      return close();
    };
    return file;
  };
  return () => count;
}

describe('a read under which the head is dropped', () => {
  it('gives what it had by then, and is no damage', async () => {
    const log = new Harness({ segmentBytes: 3_000_000 });
    const openFiles = countOpenFiles(log.disk);
    await log.open();
    await appendGroups(log, 6, LARGE);
    const read = log.wal.read(range(1, 6));
    const removed = log.wal.removeHead({ below: 6 as LogIndex });
    const entries = await log.clock.drive(read);
    await log.clock.drive(removed);
    expect(entries.map(({ index }) => index)).toEqual([1]);
    expect(log.wal.first).toBe(5);
    expect((await log.clock.drive(log.wal.read(range(5, 6)))).map(({ index }) => index)).toEqual([5, 6]);
    await log.close();
    expect(openFiles()).toBe(0);
  });
});

describe('a segment that cannot be opened', () => {
  it('is opened again by the next who reads, and does not keep the log from being closed', async () => {
    const log = await new Harness().open();
    await appendGroups(log, 12);
    const fault = log.disk.inject({
      operation: 'open',
      code: 'EIO',
      path: `${DIRECTORY}/0000000001.wal`,
      times: Number.POSITIVE_INFINITY,
    });
    await expect(log.clock.drive(log.wal.read(range(1, 1)))).rejects.toMatchObject({ code: 'EIO' });
    fault.clear();
    expect((await log.clock.drive(log.wal.read(range(1, 1)))).map(({ index }) => index)).toEqual([1]);
    const again = await log.again();
    again.disk.inject({ operation: 'open', code: 'EIO', times: 1 });
    await expect(again.clock.drive(again.wal.read(range(1, 1)))).rejects.toMatchObject({ code: 'EIO' });
    await again.close();
    expect(again.failures).toEqual([]);
  });
});

describe('a log that finds no room to open', () => {
  it('leaves no file open, however often it is tried', async () => {
    const log = await new Harness().open();
    await appendGroups(log, 12);
    await log.close();
    const openFiles = countOpenFiles(log.disk);
    log.disk.inject({
      operation: 'write',
      code: 'ENOSPC',
      path: (path) => path.endsWith('0000000004.wal'),
      times: Number.POSITIVE_INFINITY,
    });
    for (let tries = 0; tries < 3; tries++)
      await expect(new Harness({ disk: log.disk }).open()).rejects.toMatchObject({
        code: 'HOLDFAST_DISK_FULL',
      });
    expect(openFiles()).toBe(0);
  });
});
