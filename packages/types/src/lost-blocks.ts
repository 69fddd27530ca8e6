import { type DiskFile, isDiskError } from './disk.ts';

/** What a disk reads or loses as a whole. */
const BLOCK_BYTES = 4096;

/** Bytes of a file, `from` up to but not including `to`, that the disk cannot read. */
export interface LostBytes {
  readonly from: number;
  readonly to: number;
}

/**
 * Fills zeroed `target` with what the file holds from `position` on, block by block. What the disk cannot read stays zeros: it
 * counts as damaged, like any other wrong byte. For after a longer read has failed with EIO. Throws any other DiskError.
 * Resolves with what could not be read, in order.
 */
export async function readAroundLostBlocks(
  file: DiskFile,
  target: Uint8Array,
  position: number,
): Promise<LostBytes[]> {
  const lost: LostBytes[] = [];
  for (let start = 0; start < target.byteLength; ) {
    const left = BLOCK_BYTES - ((position + start) % BLOCK_BYTES);
    const end = Math.min(start + left, target.byteLength);
    try {
      target.set(await file.read(position + start, end - start), start);
    } catch (error) {
      if (!isDiskError(error, 'EIO')) throw error;
      lost.push({ from: position + start, to: position + end });
    }
    start = end;
  }
  return lost;
}
