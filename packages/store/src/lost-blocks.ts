import { type DiskFile, isDiskError, readAroundLostBlocks } from '@holdfast/types';

/**
 * Bytes of a file, fewer at its end; zeros for the blocks that the disk cannot read. `onLost` is told where in the file the
 * last of those ends.
 */
export async function readWithLostBlocks(
  file: DiskFile,
  position: number,
  length: number,
  onLost?: (to: number) => void,
): Promise<Uint8Array> {
  try {
    return await file.read(position, length);
  } catch (error) {
    if (!isDiskError(error, 'EIO')) throw error;
    const found = new Uint8Array(Math.max(0, Math.min(length, (await file.size()) - position)));
    const last = (await readAroundLostBlocks(file, found, position)).at(-1);
    if (last !== undefined) onLost?.(last.to);
    return found;
  }
}
