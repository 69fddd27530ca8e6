import type { Effect, FoundRange } from '@holdfast/core';
import { fromUserKey, userBounds } from './keys.ts';
import type { LevelLike, LevelSnapshot } from './level-like.ts';
import { readUserRecord } from './record.ts';

export type OldKeysWanted = Pick<
  Extract<Effect, { kind: 'findOld' }>,
  'range' | 'keysMax' | 'keyBytesMax' | 'readBytesMax'
>;

/** Records fetched from LevelDB at once; it also stops by itself after `FETCH_BYTES`, so that values do not pile up. */
const FETCH_RECORDS = 256;
const FETCH_BYTES = 262_144;

/** As of `snapshot`: the keys of a range that are not newer than it says. */
export async function findOld(
  level: LevelLike,
  snapshot: LevelSnapshot,
  { range, keysMax, keyBytesMax, readBytesMax }: OldKeysWanted,
): Promise<FoundRange> {
  const keys: Uint8Array[] = [];
  const limit = range.limit < 0 ? Number.POSITIVE_INFINITY : range.limit;
  let looked = 0;
  let keyBytes = 0;
  let readBytes = 0;
  const iterator = level.iterator({
    ...userBounds(range),
    reverse: range.reverse,
    values: true,
    highWaterMarkBytes: FETCH_BYTES,
    snapshot,
    fillCache: false,
  });
  try {
    for (;;) {
      const page = await iterator.nextv(Math.min(FETCH_RECORDS, keysMax - looked));
      if (page.length === 0) return { keys };
      for (const [storedKey, stored] of page) {
        const key = fromUserKey(storedKey!);
        looked += 1;
        readBytes += storedKey!.byteLength + stored!.byteLength;
        if (readUserRecord(storedKey!, stored!).revision <= range.upTo) {
          keys.push(key);
          keyBytes += key.byteLength;
        }
        const isOver = looked >= keysMax || keyBytes >= keyBytesMax || readBytes >= readBytesMax;
        if (isOver || keys.length >= limit) return { keys, behind: key };
      }
    }
  } finally {
    await iterator.close();
  }
}
