import { DiskError, type DiskErrorCode, HoldfastError } from '@holdfast/types';
import { UnreadableBytesError } from './bytes.ts';
import { UnreadableRecordError } from './record.ts';

/** LevelDB names a failure in words alone; these are those of strerror(3) behind `IO error: <file>: `. */
const WORDS: readonly (readonly [RegExp, DiskErrorCode])[] = [
  [/No space left on device|Disk quota exceeded/, 'ENOSPC'],
  [/Input\/output error/, 'EIO'],
  [/Permission denied|Operation not permitted/, 'EACCES'],
  [/Read-only file system/, 'EROFS'],
  [/Not a directory/, 'ENOTDIR'],
  [/No such file or directory/, 'ENOENT'],
];

/** What LevelDB failed with, as a `DiskError` at `path`. One that is a `DiskError` already stays as it is. */
export function diskErrorOf(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const message = innermost(error).message;
  const code = WORDS.find(([pattern]) => pattern.test(message))?.[1] ?? 'OTHER';
  return new DiskError(code, path, message, { cause: error });
}

/**
 * Why LevelDB did not open. Damage is answered as a reason: the store is rebuilt from a peer.
 * Anything else is thrown: the same directory may well open later, or for somebody else.
 */
export function damageOf(error: unknown, path: string): string {
  const cause = innermost(error);
  const code = codeOf(cause);
  if (isLocked(error)) {
    throw new HoldfastError('HOLDFAST_DATA_DIRECTORY_IN_USE', `${path} is in use by another process`, {
      cause,
    });
  }
  if (code === 'LEVEL_CORRUPTION') return cause.message;
  const failure = diskErrorOf(cause, path);
  switch (failure.code) {
    // A file that the manifest or CURRENT names is gone.
    case 'ENOENT':
      return cause.message;
    case 'ENOSPC':
      throw new HoldfastError('HOLDFAST_DISK_FULL', `no space left to open ${path}`, { cause: failure });
    case 'EACCES':
    case 'EROFS':
    case 'ENOTDIR':
      throw new HoldfastError('HOLDFAST_DATA_DIRECTORY_UNUSABLE', cause.message, { cause: failure });
    default:
      throw new HoldfastError('HOLDFAST_DISK_FAILED', cause.message, { cause: failure });
  }
}

/** Another process, or another part of this one, has the database open. */
export function isLocked(error: unknown): boolean {
  return codeOf(innermost(error)) === 'LEVEL_LOCKED';
}

/** What was read is not what was written, by LevelDB's checks or ours. */
export function isCorruption(error: unknown): error is Error {
  if (error instanceof UnreadableRecordError || error instanceof UnreadableBytesError) return true;
  return codeOf(innermost(error)) === 'LEVEL_CORRUPTION';
}

/** The disk or what is on it is to blame, not the caller. */
export function isDiskFailure(error: unknown): boolean {
  return isCorruption(error) || codeOf(innermost(error)) === 'LEVEL_IO_ERROR';
}

/** The database, iterator or snapshot was closed while it was used. */
export function isClosed(error: unknown): boolean {
  const code = codeOf(innermost(error));
  return typeof code === 'string' && /^LEVEL_(DATABASE|ITERATOR|SNAPSHOT)_NOT_OPEN$/.test(code);
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}

/** abstract-level wraps what went wrong at least once. */
function innermost(error: unknown): Error {
  let found = error instanceof Error ? error : new Error(String(error));
  while (found.cause instanceof Error) found = found.cause;
  return found;
}
