import { DiskError, type DiskErrorCode, type ErrorCode, HoldfastError } from '@holdfast/types';

/** Of a disk that fails or is full. That a file is missing or there already is for the node to know, unless LevelDB says it. */
const DISK_CODES: ReadonlySet<DiskErrorCode> = new Set(['EIO', 'ENOSPC']);
/** What LevelDB, and the store, find wrong with a file. */
const LEVEL_CODES: ReadonlySet<unknown> = new Set(['LEVEL_IO_ERROR', 'LEVEL_CORRUPTION']);
const DAMAGE_NAMES: ReadonlySet<string> = new Set(['UnreadableRecordError', 'UnreadableBytesError']);

/**
 * A node has ended for what its disk did. It counts what the error goes back to, since anything that a store meets is
 * handed on as the failure of a disk.
 */
export function isFailedByDisk(error: unknown): boolean {
  let around: unknown;
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) {
    around = innermost;
    innermost = innermost.cause;
  }
  if (innermost instanceof DiskError) return DISK_CODES.has(innermost.code);
  // An entry whose bits flipped while the node ran, which it meets as it reads its log again.
  if (isOf(innermost, 'HOLDFAST_INVALID_MESSAGE')) return isOf(around, 'HOLDFAST_CORRUPT_LOG');
  if (isOf(innermost, 'HOLDFAST_CORRUPT_LOG')) return true;
  if (!(innermost instanceof Error)) return false;
  return DAMAGE_NAMES.has(innermost.name) || ('code' in innermost && LEVEL_CODES.has(innermost.code));
}

function isOf(error: unknown, code: ErrorCode): boolean {
  return error instanceof HoldfastError && error.code === code;
}
