import type { DiskOperation, DiskOperationKind } from '../disk/disk-faults.ts';
import type { SimRandom } from '../sim-random.ts';

/** Milliseconds up to which an operation takes; what is not named is answered at once, from the cache. */
const TYPICAL_MS: Partial<Record<DiskOperationKind, number>> = {
  write: 0.2,
  read: 0.3,
  sync: 2,
  syncDirectory: 1,
};

/** A disk is about as fast as it was so long ago, and then it is not. */
const KNOT_MS = 4;

/**
 * How long the operations of one disk take: by the moment at which they are asked for, so that one more or less of
 * them changes nothing for the others, and a kept schedule goes on finding what it found.
 */
export class DiskTiming {
  /** Of this disk while nothing is wrong with it: times that operations take longer than on a good one. */
  readonly #usualSlowness: number;
  #slowness: number;
  #isSlow: (path: string) => boolean = () => true;
  readonly #now: () => number;
  readonly #curves: ReadonlyMap<DiskOperationKind, (atMs: number) => number>;

  constructor(parts: {
    readonly random: SimRandom;
    readonly now: () => number;
    readonly usualSlowness?: number | undefined;
  }) {
    const { random, now, usualSlowness = 1 } = parts;
    this.#now = now;
    this.#curves = new Map(
      Object.keys(TYPICAL_MS).map((kind) => [kind as DiskOperationKind, random.named(kind).curve(KNOT_MS)]),
    );
    this.#usualSlowness = usualSlowness;
    this.#slowness = usualSlowness;
  }

  /** From now on operations take so many times longer than on a good disk: those on files that `isSlow` holds for. */
  slowDown(times: number, isSlow: (path: string) => boolean = () => true): void {
    this.#slowness = times;
    this.#isSlow = isSlow;
  }

  recover(): void {
    this.slowDown(this.#usualSlowness);
  }

  draw({ kind, path }: DiskOperation): number {
    const typical = TYPICAL_MS[kind];
    if (typical === undefined) return 0;
    const slowness = this.#isSlow(path) ? this.#slowness : this.#usualSlowness;
    return typical * this.#curves.get(kind)!(this.#now()) * slowness;
  }
}
