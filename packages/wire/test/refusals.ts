import { crc32 } from 'node:zlib';
import { HoldfastError } from '@holdfast/types';

/** As an entry stands: with its checksum. */
export function sealed(content: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  return Buffer.concat([content, checksum]);
}

/** The error of a refusal; undefined when the bytes were accepted. Anything else thrown fails the test. */
export function refusal(decode: () => unknown): HoldfastError | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HOLDFAST_INVALID_MESSAGE') return error;
    throw error;
  }
}
