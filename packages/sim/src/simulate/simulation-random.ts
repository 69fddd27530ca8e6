import { assert, type Random } from '@holdfast/types';
import type { SimRandom } from '../sim-random.ts';

/** Draws of the body of a simulation: the same for the same seed, whatever the cluster draws beside it. */
export class SimulationRandom implements Random {
  readonly #random: SimRandom;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    return this.#random.next();
  }

  bytes(length: number): Uint8Array {
    return this.#random.bytes(length);
  }

  /** A whole number; both ends may be drawn. */
  integer(min: number, max: number): number {
    assert(
      Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max,
      `no integer in ${min}..${max}`,
    );
    return min + Math.floor(this.#random.next() * (max - min + 1));
  }

  /** One of the items, each as likely as the others. */
  pick<Item>(items: readonly Item[]): Item {
    assert(items.length > 0, 'there is nothing to pick from');
    return items[Math.floor(this.#random.next() * items.length)] as Item;
  }

  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }
}
