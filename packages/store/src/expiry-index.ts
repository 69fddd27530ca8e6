import type { FoundKey } from '@holdfast/core';
import type { Entry, Mutation } from '@holdfast/types';
import { EXPIRY_RANGE, expiryKey, fromExpiryKey } from './keys.ts';
import type { LevelLike, LevelOperation, LevelSnapshot } from './level-like.ts';
import { open, seal } from './record.ts';
import { recordOf } from './stored-records.ts';

/*
 * The index of expiries: a place for each key that expires, by log time. It moves by the log alone, in the batches of
 * the data, so that every node holds the same one and snapshots carry it. A put over a key that expires does not look
 * for the place of what it replaces: that one stays behind until its time has come, and is then found to be stale.
 */

const NOTHING = new Uint8Array(0);
const PAGE_ITEMS = 256;

/** The keys whose time has come, earliest first. */
export interface FoundDue {
  readonly due: readonly FoundKey[];
  /** Of the first place that is not among them, whether or not it is due; undefined: there is none. */
  readonly next: number | undefined;
}

/** The changes of the index that come with a put. */
export function putPlace(
  { key, expiresAt, formerExpiry }: Extract<Mutation, { kind: 'put' }>,
  operations: LevelOperation[],
): void {
  if (formerExpiry !== undefined) operations.push({ type: 'del', key: expiryKey(formerExpiry, key) });
  if (expiresAt === undefined) return;
  const place = expiryKey(expiresAt, key);
  operations.push({ type: 'put', key: place, value: seal(place, NOTHING) });
}

/** Takes out what an entry settles. Nothing that comes after it in the same entry can put it back: a new place lies in the future. */
export function settlePlaces({ body }: Entry, operations: LevelOperation[]): void {
  if (body.kind !== 'requests') return;
  for (const request of body.requests) {
    if (request.kind !== 'expire') continue;
    for (const { key, expiresAt } of request.due)
      operations.push({ type: 'del', key: expiryKey(expiresAt, key) });
  }
}

/** As of `snapshot`: at most `placesMax` places up to the log time `upTo`. */
export async function findDue(
  level: LevelLike,
  snapshot: LevelSnapshot,
  { upTo, placesMax }: { readonly upTo: number; readonly placesMax: number },
): Promise<FoundDue> {
  const due: FoundKey[] = [];
  const [first, end] = EXPIRY_RANGE;
  const iterator = level.iterator({ gte: first, lt: end, snapshot, fillCache: false });
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE_ITEMS);
      if (page.length === 0) return { due, next: undefined };
      for (const [place, sealed] of page) {
        open(place!, sealed!);
        const { key, expiresAt } = fromExpiryKey(place!);
        if (expiresAt > upTo || due.length === placesMax) return { due, next: expiresAt };
        const isCurrent = recordOf(level, key, snapshot)?.expiresAt === expiresAt;
        due.push({ key, expiresAt, isCurrent });
      }
    }
  } finally {
    await iterator.close();
  }
}
