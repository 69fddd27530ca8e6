import { type Disk, DiskError } from '@holdfast/types';

const NAME = 'DAMAGED';
const REASON_BYTES_MAX = 4096;

/**
 * A store in which damage was met stays unusable over restarts, until it is rebuilt: the mark is a file
 * of its own, for a database with a background error takes no record. LevelDB leaves such names alone.
 */
export async function markDamaged(disk: Disk, directory: string, reason: string): Promise<void> {
  const file = await disk.open(`${directory}/${NAME}`, { create: true });
  try {
    await file.write(0, Buffer.from(reason, 'utf8').subarray(0, REASON_BYTES_MAX));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.syncDirectory(directory);
}

/** Why the files in `directory` must not be opened; undefined if they may. */
export async function damageIn(disk: Disk, directory: string): Promise<string | undefined> {
  const names = await disk.list(directory);
  if (names.includes(NAME)) return `damage was found before: ${await readMark(disk, directory)}`;
  // LevelDB makes a new, empty database of a directory without CURRENT, whatever else is in it. Without a
  // table that is right: no checkpoint was ever taken, the log holds everything. With one it is a loss.
  const tables = names.filter((name) => /\.(ldb|sst)$/.test(name)).length;
  if (tables > 0 && !names.includes('CURRENT')) return `CURRENT is missing beside ${tables} tables`;
  return undefined;
}

async function readMark(disk: Disk, directory: string): Promise<string> {
  try {
    const file = await disk.open(`${directory}/${NAME}`, { readOnly: true });
    try {
      return Buffer.from(await file.read(0, REASON_BYTES_MAX)).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    // The mark counts by being there; what it says is for people.
    if (error instanceof DiskError) return error.message;
    throw error;
  }
}
