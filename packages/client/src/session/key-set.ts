import type { WriteCall } from './call.ts';

/**
 * The keys of some writes: those they write, and those they depend on. A clear has none: it spares what is newer than it,
 * wherever it stands among other writes.
 */
export class KeySet {
  readonly #keys = new Set<string>();

  get size(): number {
    return this.#keys.size;
  }

  add(call: WriteCall): void {
    for (const { key } of call.operations) this.#keys.add(textOf(key));
    for (const { key } of call.conditions) this.#keys.add(textOf(key));
  }

  touchedBy(call: WriteCall): boolean {
    return (
      call.operations.some(({ key }) => this.#keys.has(textOf(key))) ||
      call.conditions.some(({ key }) => this.#keys.has(textOf(key)))
    );
  }

  clear(): void {
    if (this.#keys.size > 0) this.#keys.clear();
  }
}

/** One character a byte. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
