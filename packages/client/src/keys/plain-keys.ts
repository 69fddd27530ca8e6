import { type KeyBounds, storedBounds } from './key-bounds.ts';
import type { KeySpace } from './key-space.ts';

/** All below belongs to namespaces and to Holdfast itself; the empty key is stored as this. */
const FIRST: Buffer = Buffer.of(0x00, 0xfe);
/** Stands for a zero byte at the beginning of a key. */
const ZERO: Buffer = Buffer.of(0x00, 0xff);

/**
 * The keys of an instance without a namespace: stored as they are. Only the empty key, and those that begin with a
 * zero byte, move, so that nobody meets what namespaces and Holdfast keep there.
 */
export class PlainKeys implements KeySpace {
  stored(key: Uint8Array): Uint8Array {
    // Undefined, of an empty key, is falsy too.
    return key[0] ? key : moved(key);
  }

  own(stored: Uint8Array): Uint8Array {
    return stored[0] ? stored : movedBack(stored);
  }

  range(bounds: KeyBounds): KeyBounds {
    return storedBounds(bounds, (key) => this.stored(key), { first: FIRST });
  }
}

function moved(key: Uint8Array): Uint8Array {
  return key.length === 0 ? FIRST : Buffer.concat([ZERO, key.subarray(1)]);
}

function movedBack(stored: Uint8Array): Uint8Array {
  // Empty where keys were not asked for.
  if (stored.length === 0 || stored[1] === FIRST[1]) return stored.subarray(stored.length);
  return Buffer.concat([Buffer.of(0x00), stored.subarray(ZERO.length)]);
}
