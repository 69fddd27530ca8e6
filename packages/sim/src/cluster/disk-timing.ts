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
  /** 1: as usual. */
  slowness = 1;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  draw({ kind }: DiskOperation): number {
    const typical = TYPICAL_MS[kind];
    return typical === undefined ? 0 : typical * this.#random.next() * this.slowness;
  }
}
