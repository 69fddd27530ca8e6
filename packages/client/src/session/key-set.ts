import { keyText, type Operation } from '@holdfast/types';
import type { WriteCall } from './call.ts';

const NO_OPERATIONS: readonly Operation[] = [];

/**
 * The keys of some writes, as often as they occur: those they write, in either branch, and those they depend on. A clear has none: it spares
 * what is newer than it, wherever it stands among other writes.
 */
export class KeySet {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  add(call: WriteCall): void {
    for (const key of keysOf(call)) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Only what was added. */
  delete(call: WriteCall): void {
    for (const key of keysOf(call)) {
      const count = this.#counts.get(key) ?? 0;
      if (count > 1) this.#counts.set(key, count - 1);
      else this.#counts.delete(key);
    }
  }

  touchedBy(call: WriteCall): boolean {
    for (const key of keysOf(call)) if (this.#counts.has(key)) return true;
    return false;
  }

  clear(): void {
    if (this.#counts.size > 0) this.#counts.clear();
  }
}

function* keysOf(call: WriteCall): Generator<string> {
  for (const { key } of call.operations) yield keyText(key);
  for (const { key } of call.otherwise ?? NO_OPERATIONS) yield keyText(key);
  for (const { key } of call.conditions) yield keyText(key);
}
