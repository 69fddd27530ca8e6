import type { Random } from '@holdfast/types';

/** What a disk writes in one go: whole, not at all, or, where power goes at that moment, the beginning of it. */
export const SECTOR_BYTES = 512;

/**
 * A change that is not known to be on stable storage. A crash keeps any subset of them:
 * - `sector`: one 512-byte sector as it was after the write numbered `write`; of several kept ones of the
 *   same sector the newest stands, over what is left of the one before if it is torn;
 * - `size`: the length that a write or truncation gave the file. A kept sector beyond the kept size is not
 *   seen; a kept size over lost sectors shows zeros there;
 * - `create`, `rename`, `remove`: directory entries.
 */
export type PendingChange =
  | { readonly kind: 'sector'; readonly path: string; readonly sector: number; readonly write: number }
  | { readonly kind: 'size'; readonly path: string; readonly size: number }
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string };

/** Says which of the pending changes a crash keeps: the very objects it was given. */
export type KeepChooser = (pending: readonly PendingChange[]) => Iterable<PendingChange>;

/** Keeps each change with a probability drawn per crash, so that "nearly all" and "nearly none" happen often. */
export function keepRandomly(random: Random): KeepChooser {
  return (pending) => {
    const probability = random.next();
    return pending.filter(() => random.next() < probability);
  };
}

/** Of a sector that a crash keeps, the bytes that got there; what follows is as it was before. */
export type SectorTearer = (sector: { readonly sector: number; readonly write: number }) => number;

/** In half of the crashes tears some of what is kept. */
export function tearRandomly(random: Random): SectorTearer {
  const probability = random.next() < 0.5 ? 0 : 0.3 * random.next();
  return () =>
    random.next() < probability ? 1 + Math.floor(random.next() * (SECTOR_BYTES - 1)) : SECTOR_BYTES;
}

/** Keeps the changes at the positions whose bit is set in `mask`: for going through every subset. */
export function keepMask(mask: number): KeepChooser {
  return (pending) => pending.filter((_change, position) => Math.floor(mask / 2 ** position) % 2 === 1);
}
