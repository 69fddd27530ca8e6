import type { LevelOperation, LevelRange } from '@holdfast/store';
import { keyText } from '@holdfast/types';

/**
 * Keys and values in the order of their bytes. Names are keys as latin1 text, which sorts as bytes do.
 * A view taken by `frozen` does not see later changes.
 */
export class SortedRecords {
  #values: Map<string, Uint8Array> = new Map();
  #names: string[] = [];
  /** Somebody holds a view of it: the next change goes to a copy. */
  #isShared = false;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(keyText(key));
  }

  get isEmpty(): boolean {
    return this.#names.length === 0;
  }

  apply(operations: Iterable<LevelOperation>): void {
    this.#unshare();
    for (const operation of operations) {
      const name = keyText(operation.key);
      if (operation.type === 'put') this.#put(name, operation.value);
      else this.#delete(name);
    }
  }

  frozen(): SortedRecords {
    const view = new SortedRecords();
    view.#values = this.#values;
    view.#names = this.#names;
    view.#isShared = true;
    this.#isShared = true;
    return view;
  }

  /** Names within the bounds, in the range's order. */
  namesIn(range: LevelRange): string[] {
    const first = Math.max(
      range.gt === undefined ? 0 : this.#placeOf(keyText(range.gt), true),
      range.gte === undefined ? 0 : this.#placeOf(keyText(range.gte), false),
    );
    const end = Math.min(
      range.lt === undefined ? this.#names.length : this.#placeOf(keyText(range.lt), false),
      range.lte === undefined ? this.#names.length : this.#placeOf(keyText(range.lte), true),
    );
    const names = this.#names.slice(first, Math.max(first, end));
    return range.reverse === true ? names.reverse() : names;
  }

  /** Of a name that is there. */
  valueOf(name: string): Uint8Array {
    return this.#values.get(name)!;
  }

  /** As puts. */
  *operations(): Generator<Extract<LevelOperation, { type: 'put' }>> {
    for (const name of this.#names) yield { type: 'put', key: keyOf(name), value: this.valueOf(name) };
  }

  #put(name: string, value: Uint8Array): void {
    if (!this.#values.has(name)) this.#names.splice(this.#placeOf(name, false), 0, name);
    this.#values.set(name, value);
  }

  #delete(name: string): void {
    if (this.#values.delete(name)) this.#names.splice(this.#placeOf(name, false), 1);
  }

  /** Where a name stands or would stand; `behind`: the place after it if it is there. */
  #placeOf(name: string, behind: boolean): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#names[middle]!;
      if (other < name || (behind && other === name)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #unshare(): void {
    if (!this.#isShared) return;
    this.#values = new Map(this.#values);
    this.#names = [...this.#names];
    this.#isShared = false;
  }
}

export function keyOf(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}
