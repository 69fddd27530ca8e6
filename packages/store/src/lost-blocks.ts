import { DiskError, type DiskFile } from '@holdfast/types';

const BLOCK_BYTES = 4096;

/**
 * Bytes of a file, fewer at its end. Blocks that the disk cannot read come back as zeros: what lay there counts as
 * damaged, like any other wrong byte.
 */
export async function readWithLostBlocks(
  file: DiskFile,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = await readUnlessLost(file, position, length);
  if (bytes !== undefined) return bytes;
  const found = new Uint8Array(Math.max(0, Math.min(length, (await file.size()) - position)));
  for (let at = position; at < position + found.byteLength; ) {
    const end = Math.min((Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES, position + found.byteLength);
    found.set((await readUnlessLost(file, at, end - at)) ?? [], at - position);
    at = end;
  }
  return found;
}

async function readUnlessLost(
  file: DiskFile,
  position: number,
  length: number,
): Promise<Uint8Array | undefined> {
  try {
    return await file.read(position, length);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'EIO') throw error;
    return undefined;
  }
}
