import { invalidOption } from '../invalid-option.ts';
import { type KeyBounds, storedBounds } from './key-bounds.ts';
import type { KeySpace } from './key-space.ts';

/** UTF-8 bytes of a name. */
const NAME_BYTES_MAX = 128;
/** How the keys of all namespaces begin. */
export const NAMESPACE_TAG: Buffer = Buffer.from('\u0000n', 'latin1');

/**
 * The keys of one namespace: tag, length of the name in one byte, name, key. The length makes that no such prefix
 * is the beginning of another, whatever bytes the names and keys hold.
 */
export class NamespaceKeys implements KeySpace {
  readonly #prefix: Buffer;
  /** The first key behind all of this namespace. */
  readonly #end: Buffer;

  /** Throws HOLDFAST_INVALID_ARGUMENT. */
  constructor(name: string) {
    const bytes = nameBytes(name);
    this.#prefix = Buffer.concat([NAMESPACE_TAG, Buffer.of(bytes.length), bytes]);
    this.#end = Buffer.from(this.#prefix);
    // No byte of UTF-8 is 0xff, so the last one can be raised.
    this.#end[this.#end.length - 1] = (bytes[bytes.length - 1] as number) + 1;
  }

  stored(key: Uint8Array): Buffer {
    const prefix = this.#prefix;
    const stored = Buffer.allocUnsafe(prefix.length + key.length);
    stored.set(prefix);
    stored.set(key, prefix.length);
    return stored;
  }

  own(stored: Uint8Array): Uint8Array {
    return stored.subarray(this.#prefix.length);
  }

  range(bounds: KeyBounds): KeyBounds {
    return storedBounds(bounds, (key) => this.stored(key), { first: this.#prefix, end: this.#end });
  }
}

function nameBytes(name: string): Buffer {
  // Two names that are no text would otherwise become the same replacement characters.
  if (typeof name !== 'string' || !name.isWellFormed()) throw invalidOption('namespace', name, 'text');
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length === 0 || bytes.length > NAME_BYTES_MAX) {
    throw invalidOption('namespace', `${bytes.length} bytes`, `1 to ${NAME_BYTES_MAX} bytes of UTF-8`);
  }
  return bytes;
}
