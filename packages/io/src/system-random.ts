import type { Random } from '@holdfast/types';

/** Most bytes that one call of the system's generator gives. */
const CHUNK_BYTES_MAX = 65_536;

export class SystemRandom implements Random {
  /** For delays and choices, not for secrets. */
  next(): number {
    return Math.random();
  }

  /** Fit for identities: from the operating system's generator. */
  bytes(length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let start = 0; start < length; start += CHUNK_BYTES_MAX)
      crypto.getRandomValues(result.subarray(start, start + CHUNK_BYTES_MAX));
    return result;
  }
}
