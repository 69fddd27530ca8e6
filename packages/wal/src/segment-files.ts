import { join } from 'node:path';
import { type Disk, type DiskFile, isDiskError, type LostBytes, readAroundLostBlocks } from '@holdfast/types';
import { asBuffer } from './bytes.ts';

const SUFFIX = '.wal';
const TEMPORARY_SUFFIX = '.wal.new';
const RESERVE_NAME = 'reserve';
const NUMBER_DIGITS = 10;
const NAME_PATTERN = /^(\d{10})\.wal$/;

/**
 * Zeros are written and synced in pieces of this, so that the log's own syncs never wait long behind them. What is read
 * back is read so, too.
 */
const PIECE_BYTES = 1_048_576;

/** Names of the files in a log's directory. */
export class SegmentFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  segment(number: number): string {
    return join(this.directory, `${String(number).padStart(NUMBER_DIGITS, '0')}${SUFFIX}`);
  }

  /** Takes the place of the segment when it is whole. */
  temporary(number: number): string {
    return join(this.directory, `${String(number).padStart(NUMBER_DIGITS, '0')}${TEMPORARY_SUFFIX}`);
  }

  get reserve(): string {
    return join(this.directory, RESERVE_NAME);
  }

  /** Numbers of the segments in `names`, growing; paths of temporary files; whether the reserve is there. */
  sort(names: readonly string[]): { segments: number[]; temporaries: string[]; reserve: boolean } {
    const segments = names.flatMap((name) => NAME_PATTERN.exec(name)?.[1] ?? []).map(Number);
    return {
      segments: segments.sort((one, other) => one - other),
      temporaries: names
        .filter((name) => name.endsWith(TEMPORARY_SUFFIX))
        .map((name) => join(this.directory, name)),
      reserve: names.includes(RESERVE_NAME),
    };
  }
}

/**
 * Writes zeros from the end of the file up to `bytes` and syncs: writing there changes no metadata later.
 * On an error the file may be of any length in between.
 */
export async function fillWithZeros(file: DiskFile, bytes: number): Promise<void> {
  const zeros = new Uint8Array(Math.min(PIECE_BYTES, bytes));
  for (let size = await file.size(); size < bytes; size += zeros.byteLength) {
    await file.write(size, zeros.subarray(0, Math.min(zeros.byteLength, bytes - size)));
    await file.sync();
  }
}

/**
 * A new file of zeros, on stable storage but for its directory entry. When it fails it leaves nothing behind, if there is
 * room to remove it; else the next try does.
 */
export async function createZeroFile(disk: Disk, path: string, bytes: number): Promise<DiskFile> {
  await disk.remove(path);
  const file = await disk.open(path, { create: true, exclusive: true });
  try {
    await fillWithZeros(file, bytes);
    return file;
  } catch (error) {
    await file.close();
    await disk.remove(path);
    throw error;
  }
}

/**
 * What `use` makes of the whole file, which is gone from memory after that: it must keep no view of the bytes. Blocks
 * that the disk cannot read, of which it is told, come back as zeros: what lay there counts as damaged, like any other
 * wrong byte.
 *
 * A process that is killed gives back its memory page by page before its sockets close, and until then its peers take it
 * for alive. So a start leaves nothing behind: zeros, of which a segment mostly consists, are not copied into memory that
 * is zeros untouched, and a buffer that can shrink is memory of its own and given back at once.
 */
export async function usingWholeFile<Result>(
  file: DiskFile,
  use: (bytes: Uint8Array, lost: readonly LostBytes[]) => Result,
): Promise<Result> {
  const size = await file.size();
  const buffer = new ArrayBuffer(size, { maxByteLength: size });
  const bytes = new Uint8Array(buffer);
  try {
    return use(bytes, await fillWithLostBlocks(file, bytes));
  } finally {
    buffer.resize(0);
  }
}

async function fillWithLostBlocks(file: DiskFile, bytes: Uint8Array): Promise<LostBytes[]> {
  const lost: LostBytes[] = [];
  const piece = new Uint8Array(Math.min(PIECE_BYTES, bytes.byteLength));
  const zeros = new Uint8Array(piece.byteLength);
  for (let position = 0; position < bytes.byteLength; position += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, bytes.byteLength - position);
    const target = bytes.subarray(position, position + length);
    try {
      const read = asBuffer(await file.read(position, length, piece));
      if (!read.equals(zeros.subarray(0, read.byteLength))) target.set(read);
    } catch (error) {
      if (!isDiskError(error, 'EIO')) throw error;
      lost.push(...(await readAroundLostBlocks(file, target, position)));
    }
  }
  return lost;
}
