import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemClock } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { onTestFinished } from 'vitest';
import { type LevelLike, type OpenedStore, Store, type StoreOptions } from '../../src/index.ts';

export interface TestStore extends OpenedStore {
  readonly failures: Error[];
}

/** Opens a store on a database in memory. */
export function openOn(level: LevelLike, options: Partial<StoreOptions> = {}): Promise<TestStore> {
  return opened({ directory: '/data/store', disk: new SimDisk(), location: () => level, ...options });
}

/** Opens a store on LevelDB and real files. */
export function openIn(directory: string): Promise<TestStore> {
  return opened({ directory, disk: new NodeDisk() });
}

/** Removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function opened(options: Omit<StoreOptions, 'clock' | 'onFailure'>): Promise<TestStore> {
  const failures: Error[] = [];
  const found = await Store.open({
    clock: new SystemClock(),
    onFailure: (error) => failures.push(error),
    ...options,
  });
  return { ...found, failures };
}
