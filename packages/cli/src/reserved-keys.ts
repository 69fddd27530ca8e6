import { NAMESPACE_TAG } from '@holdfast/client';

/** Keys that Holdfast's own tools write begin so. `scan` shows them only when asked. */
export const RESERVED_PREFIX: Buffer = Buffer.from('\u0000holdfast/', 'utf8');

/** Holdfast's own, or of a namespace: not what an application without a namespace has written. */
export function isReserved(key: Uint8Array): boolean {
  return [RESERVED_PREFIX, NAMESPACE_TAG].some((prefix) => prefix.equals(key.subarray(0, prefix.length)));
}

/** The first key behind all that begin with `prefix`; undefined if there is none. */
export function afterPrefix(prefix: Uint8Array): Buffer | undefined {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at -= 1) {
    const byte = end[at] as number;
    if (byte === 0xff) continue;
    end[at] = byte + 1;
    return end.subarray(0, at + 1);
  }
  return undefined;
}
