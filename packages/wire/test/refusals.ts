import { crc32 } from 'node:zlib';
import { HoldfastError } from '@holdfast/types';

/** As an entry stands: with its checksum. */
export function sealed(content: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  return Buffer.concat([content, checksum]);
}

/** Not understood, or an entry of a newer version. */
const REFUSALS: ReadonlySet<string> = new Set(['HOLDFAST_INVALID_MESSAGE', 'HOLDFAST_VERSION_MISMATCH']);

/** The error of a refusal; undefined when the bytes were accepted. Anything else thrown fails the test. */
export function refusal(decode: () => unknown): HoldfastError | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && REFUSALS.has(error.code)) return error;
    throw error;
  }
}
