import { DiskError, type DiskErrorCode } from '@holdfast/types';

/** The words of strerror(3), which are all that LevelDB tells of a failure. */
const WORDS: Readonly<Record<DiskErrorCode, string>> = {
  ENOENT: 'No such file or directory',
  EEXIST: 'File exists',
  ENOSPC: 'No space left on device',
  EIO: 'Input/output error',
  EACCES: 'Permission denied',
  EROFS: 'Read-only file system',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  OTHER: 'Unknown error',
};

type LevelFailureCode =
  | 'LEVEL_CORRUPTION'
  | 'LEVEL_IO_ERROR'
  | 'LEVEL_LOCKED'
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_ITERATOR_NOT_OPEN'
  | 'LEVEL_SNAPSHOT_NOT_OPEN';

/** A failure in the shape of classic-level's. */
export function levelFailure(code: LevelFailureCode, message: string, cause?: Error): Error {
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code });
}

/** What LevelDB makes of a failed file operation; anything that is none is a fault of the simulation. */
export function ioFailure(error: unknown): Error {
  if (!(error instanceof DiskError)) return error instanceof Error ? error : new Error(String(error));
  return levelFailure('LEVEL_IO_ERROR', `IO error: ${error.path}: ${WORDS[error.code]}`);
}
