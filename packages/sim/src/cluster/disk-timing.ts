import type { Random } from '@holdfast/types';
import type { DiskOperation, DiskOperationKind } from '../disk/disk-faults.ts';

/** Milliseconds up to which an operation takes; what is not named is answered at once, from the cache. */
const TYPICAL_MS: Partial<Record<DiskOperationKind, number>> = {
  write: 0.2,
  read: 0.3,
  sync: 2,
  syncDirectory: 1,
};

/** How long the operations of one disk take. */
export class DiskTiming {
  /** Times that they take longer than on a good disk. */
  slowness: number;
  /** Of this disk while nothing is wrong with it. */
  readonly usualSlowness: number;
  readonly #random: Random;

  constructor(random: Random, usualSlowness: number = 1) {
    this.#random = random;
    this.usualSlowness = usualSlowness;
    this.slowness = usualSlowness;
  }

  draw({ kind }: DiskOperation): number {
    const typical = TYPICAL_MS[kind];
    return typical === undefined ? 0 : typical * this.#random.next() * this.slowness;
  }
}
