import { dirname } from 'node:path';
import { type Disk, HoldfastError } from '@holdfast/types';
import { classicLevel } from './classic-level.ts';
import { damageOf, isLocked } from './level-errors.ts';

/** Held by one at a time. It ends with its process, however that ends. */
export interface DirectoryLock {
  release(): Promise<void>;
}

const LOCK_NAME = 'LOCK';

/**
 * Takes the lock that the directory `path` is. Node has none for files, LevelDB has one for each database: this is one
 * that holds nothing, so that whatever else is damaged, missing or full there is a lock to take.
 * Throws HOLDFAST_DATA_DIRECTORY_IN_USE if another has it, _UNUSABLE, HOLDFAST_DISK_FULL or HOLDFAST_DISK_FAILED.
 */
export async function lockDirectory(disk: Disk, path: string): Promise<DirectoryLock> {
  const level = classicLevel(path);
  try {
    await level.open();
  } catch (error) {
    if (isLocked(error)) throw failureOf(error, path);
    // Nothing in it is of any worth, least of all to one that has the lock meanwhile, but the file that is locked.
    for (const name of await disk.list(path)) if (name !== LOCK_NAME) await disk.remove(`${path}/${name}`);
    await level.open().catch((again: unknown) => {
      throw failureOf(again, path);
    });
  }
  return { release: () => level.close() };
}

/** Told of what the lock is for: the directory that it lies in. */
function failureOf(error: unknown, path: string): HoldfastError {
  const reason = damageOf(error, dirname(path));
  return new HoldfastError('HOLDFAST_DISK_FAILED', `${path} cannot be opened: ${reason}`, { cause: error });
}
