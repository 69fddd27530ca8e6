import { type Disk, DiskError, HoldfastError, type Random } from '@holdfast/types';

/** The paths of one database of a node. */
export interface DatabasePaths {
  readonly directory: string;
  readonly wal: string;
  readonly divergence: string;
}

export function databasePaths(data: string, database: string): DatabasePaths {
  const directory = `${data}/databases/${database}`;
  return { directory, wal: `${directory}/wal`, divergence: `${directory}/divergence.log` };
}

/** Of the directory that is the lock of a data directory; see `lockDirectory`. */
export function lockPath(data: string): string {
  return `${data}/lock`;
}

/** Makes the directory if it is missing and proves that it takes a file. Errors: see `asOpenError`. */
export async function prepareDataDirectory(disk: Disk, data: string): Promise<void> {
  await disk.makeDirectory(data);
  const probe = `${data}/writable`;
  const file = await disk.open(probe, { create: true });
  await file.close();
  await disk.remove(probe);
}

/** Translates what can go wrong with a directory into an error that a person can act on. */
export function asOpenError(data: string, error: unknown): unknown {
  const disk = diskErrorIn(error);
  if (disk === undefined) return error;
  switch (disk.code) {
    case 'EACCES':
    case 'EROFS':
      return unusable(`${disk.path} cannot be written: ${disk.message}`, error);
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return unusable(`${data} is not a directory that a node can use: ${disk.message}`, error);
    case 'EIO':
      return new HoldfastError('HOLDFAST_DISK_FAILED', `the disk of ${data} fails: ${disk.message}`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** True if there was no room for what the start has to write: worth trying again. */
export function isDiskFull(error: unknown): boolean {
  if (diskErrorIn(error)?.code === 'ENOSPC') return true;
  return error instanceof HoldfastError && error.code === 'HOLDFAST_DISK_FULL';
}

function diskErrorIn(error: unknown): DiskError | undefined {
  let current = error;
  // The chain of causes is short; the bound only keeps a cyclic one from holding the start up.
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof DiskError) return current;
    current = current.cause;
  }
  return undefined;
}

/** 32 hexadecimal digits. */
export function randomName(random: Random): string {
  return Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Of a data directory: for a person, with the path in it. */
export function unusable(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HOLDFAST_DATA_DIRECTORY_UNUSABLE', message, cause === undefined ? {} : { cause });
}
