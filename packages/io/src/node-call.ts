import { DiskError, type DiskErrorCode } from '@holdfast/types';

const CODES: ReadonlySet<string> = new Set<DiskErrorCode>([
  'ENOENT',
  'EEXIST',
  'ENOSPC',
  'EIO',
  'EACCES',
  'EROFS',
  'ENOTDIR',
  'EISDIR',
]);

/** A quota that is used up is a full disk to whoever writes, and a missing capability is a missing right. */
const SYNONYMS: Readonly<Record<string, DiskErrorCode>> = { EDQUOT: 'ENOSPC', EPERM: 'EACCES' };

type Done<Result> = (error: NodeJS.ErrnoException | null, result: Result) => void;

/** Runs one call of node:fs; whatever goes wrong is a `DiskError` with the call's own error as its cause. */
export function attempt<Result>(path: string, call: (done: Done<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null || error === undefined) resolve(result);
      else reject(diskError(error, path));
    });
  });
}

function diskError(error: NodeJS.ErrnoException, path: string): DiskError {
  const errno = error.code ?? '';
  const code = CODES.has(errno) ? (errno as DiskErrorCode) : (SYNONYMS[errno] ?? 'OTHER');
  const message = error.message.includes(path) ? error.message : `${error.message}: ${path}`;
  return new DiskError(code, path, message, { cause: error });
}
