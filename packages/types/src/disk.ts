/** Why a disk operation failed; `code` is the errno name. */
export type DiskErrorCode =
  | 'ENOENT'
  | 'EEXIST'
  | 'ENOSPC'
  | 'EIO'
  | 'EACCES'
  | 'EROFS'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'OTHER';

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;
  readonly path: string;

  constructor(code: DiskErrorCode, path: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

export function isDiskError(error: unknown, code: DiskErrorCode): error is DiskError {
  return error instanceof DiskError && error.code === code;
}

/** An open file. Operations on one file do not overlap in effect if the caller awaits them in turn. */
export interface DiskFile {
  readonly path: string;
  size(): Promise<number>;
  /**
   * Fewer bytes than asked for only at the end of the file. They may lie in `into`, if it is long enough: whoever reads a
   * file in pieces need not leave as much behind.
   */
  read(position: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** All of `bytes`, or an error. Not on stable storage before `sync`. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  truncate(length: number): Promise<void>;
  /** fdatasync: what was written, and the size, is on stable storage. An error is final for the file. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskStat {
  readonly kind: 'file' | 'directory';
  readonly size: number;
}

/** Seam: files. Paths are absolute or relative to the process; errors are `DiskError`. */
export interface Disk {
  /** `create`: make it if missing. `exclusive`: fail with EEXIST if present. */
  open(
    path: string,
    options: { create?: boolean; exclusive?: boolean; readOnly?: boolean },
  ): Promise<DiskFile>;
  /** With its parents; no error if present. */
  makeDirectory(path: string): Promise<void>;
  /** Names, sorted. */
  list(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory with all it holds; no error if missing. */
  remove(path: string): Promise<void>;
  /** Directory entries made, renamed or removed before are on stable storage. */
  syncDirectory(path: string): Promise<void>;
  stat(path: string): Promise<DiskStat | undefined>;
  /** Bytes an ordinary write could still take. */
  freeBytes(path: string): Promise<number>;
}
