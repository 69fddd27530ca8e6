import { invalidOption } from '../invalid-option.ts';
import type { KeyBounds } from './key-bounds.ts';
import { NamespaceKeys } from './namespace-keys.ts';
import { PlainKeys } from './plain-keys.ts';

/**
 * Where the keys of one database instance lie among all that a cluster stores. `stored` keeps the order of keys,
 * gives no two keys the same place, and none a place in another space. See docs/adr/0004-key-format.md.
 */
export interface KeySpace {
  /** What the cluster knows `key` by. */
  stored(key: Uint8Array): Uint8Array;
  /** The caller's key of a stored one of this space. */
  own(stored: Uint8Array): Uint8Array;
  /** The same range among stored keys, never beyond this space. */
  range(bounds: KeyBounds): KeyBounds;
}

/** Keys as they are stored, those of every space: for tools. */
const RAW_KEYS: KeySpace = {
  stored: (key) => key,
  own: (stored) => stored,
  range: (bounds) => bounds,
};

/** Throws HOLDFAST_INVALID_ARGUMENT. */
export function keySpaceOf(options: {
  readonly namespace?: string | undefined;
  readonly rawKeys?: boolean | undefined;
}): KeySpace {
  const { namespace, rawKeys } = options;
  if (rawKeys !== true) return namespace === undefined ? new PlainKeys() : new NamespaceKeys(namespace);
  if (namespace !== undefined) throw invalidOption('rawKeys', true, 'either rawKeys or a namespace');
  return RAW_KEYS;
}
