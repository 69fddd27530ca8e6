import { type Disk, DiskError } from '@holdfast/types';

const NAME = 'DAMAGED';
const SUSPECT_NAME = 'SUSPECT';
const REASON_BYTES_MAX = 4096;

/** What is known of the files in a directory. */
export interface Marks {
  /** Why they must not be opened; undefined if they may. */
  readonly damage: string | undefined;
  /** The disk failed to read or write one of them: all must be read before they are trusted. */
  readonly isSuspect: boolean;
}

/**
 * A store in which damage was met stays unusable over restarts, until it is rebuilt: the mark is a file
 * of its own, for a database with a background error takes no record. LevelDB leaves such names alone.
 */
export function markDamaged(disk: Disk, directory: string, reason: string): Promise<void> {
  return mark(disk, directory, { name: NAME, reason });
}

/**
 * The disk failed. A cable that hung is no damage, and a lost sector is one that every start would meet again: the next
 * reads all there is and decides, for itself alone.
 */
export function markSuspect(disk: Disk, directory: string, reason: string): Promise<void> {
  return mark(disk, directory, { name: SUSPECT_NAME, reason });
}

/** Once all of it could be read. */
export async function clearSuspicion(disk: Disk, directory: string): Promise<void> {
  await disk.remove(`${directory}/${SUSPECT_NAME}`);
  await disk.syncDirectory(directory);
}

export async function marksIn(disk: Disk, directory: string): Promise<Marks> {
  const names = await disk.list(directory);
  return { damage: await damageIn(disk, directory, names), isSuspect: names.includes(SUSPECT_NAME) };
}

async function damageIn(
  disk: Disk,
  directory: string,
  names: readonly string[],
): Promise<string | undefined> {
  if (names.includes(NAME)) return `damage was found before: ${await readMark(disk, directory)}`;
  // LevelDB makes a new, empty database of a directory without CURRENT, whatever else is in it. Without a
  // table that is right: no checkpoint was ever taken, the log holds everything. With one it is a loss.
  const tables = names.filter((name) => /\.(ldb|sst)$/.test(name)).length;
  if (tables > 0 && !names.includes('CURRENT')) return `CURRENT is missing beside ${tables} tables`;
  return undefined;
}

async function mark(
  disk: Disk,
  directory: string,
  what: { readonly name: string; readonly reason: string },
): Promise<void> {
  const file = await disk.open(`${directory}/${what.name}`, { create: true });
  try {
    await file.write(0, Buffer.from(what.reason, 'utf8').subarray(0, REASON_BYTES_MAX));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.syncDirectory(directory);
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
