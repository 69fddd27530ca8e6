import type { WireError } from '@holdfast/types';
import type { OpenWatch } from '../watches/mutation-feed.ts';
import { wireError } from './wire-error.ts';

/** The watches of one client connection, by the client's own number for them. */
export class ConnectionWatches {
  readonly #watchesMax: number;
  /** Undefined until the core has let it begin. */
  readonly #watches = new Map<number, OpenWatch | undefined>();

  constructor(watchesMax: number) {
    this.#watchesMax = watchesMax;
  }

  get size(): number {
    return this.#watches.size;
  }

  has(id: number): boolean {
    return this.#watches.has(id);
  }

  /** Takes a place for a new one; undefined, or why not. */
  reserve(id: number): WireError | undefined {
    if (this.#watches.has(id)) return wireError('HOLDFAST_INVALID_ARGUMENT', `watch ${id} is open already`);
    if (this.#watches.size >= this.#watchesMax)
      return wireError('HOLDFAST_OVERLOADED', `more than ${this.#watchesMax} watches on one connection`);
    this.#watches.set(id, undefined);
    return undefined;
  }

  begin(id: number, watch: OpenWatch): void {
    this.#watches.set(id, watch);
  }

  grant(id: number, bytes: number): void {
    this.#watches.get(id)?.grant(bytes);
  }

  /** Does nothing if there is no such watch. */
  close(id: number): void {
    const watch = this.#watches.get(id);
    this.#watches.delete(id);
    watch?.close();
  }

  closeAll(): void {
    for (const id of this.#watches.keys()) this.close(id);
  }
}
