/** So few additions are not worth a new table. */
const ADDED_MIN = 128;

/**
 * A map of what comes and goes all the time: calls in flight, records until they are applied.
 *
 * V8 lets the outgrown table of a `Map` point to the one that replaced it, and empties neither. Once one such table has
 * been promoted to the old generation, every table after it, with all that was in there, stays until the next major
 * collection: a map with 64 entries at a time kept tens of megabytes alive that way, and each minor collection copied
 * them. Moving to a `Map` of its own from time to time cuts that chain.
 *
 * Iteration is in order of insertion, like that of `Map`; nothing may be added meanwhile.
 */
export class TransientMap<Key, Value> {
  #map = new Map<Key, Value>();
  #added = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  set(key: Key, value: Value): void {
    this.#added += 1;
    if (this.#added > ADDED_MIN && this.#added > 4 * this.#map.size) {
      this.#map = new Map(this.#map);
      this.#added = 0;
    }
    this.#map.set(key, value);
  }

  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map = new Map();
    this.#added = 0;
  }

  keys(): MapIterator<Key> {
    return this.#map.keys();
  }

  values(): MapIterator<Value> {
    return this.#map.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.#map[Symbol.iterator]();
  }
}
