import type { StoredRecord } from '@holdfast/types';
import { isUserKey, userKey } from './keys.ts';
import type { LevelLike, LevelSnapshot } from './level-like.ts';
import { open, readUserRecord } from './record.ts';

const PAGE_ITEMS = 1000;

export function recordOf(
  level: LevelLike,
  key: Uint8Array,
  snapshot?: LevelSnapshot,
): StoredRecord | undefined {
  const storedKey = userKey(key);
  const stored = snapshot === undefined ? level.getSync(storedKey) : level.getSync(storedKey, { snapshot });
  return stored === undefined ? undefined : readUserRecord(storedKey, stored);
}

/** Ends early, with the record that takes the values over `bytesMax`. */
export function recordsOf(
  keys: readonly Uint8Array[],
  bytesMax: number,
  read: (key: Uint8Array) => StoredRecord | undefined,
): (StoredRecord | undefined)[] {
  const records: (StoredRecord | undefined)[] = [];
  let bytes = 0;
  for (const key of keys) {
    const record = read(key);
    records.push(record);
    bytes += record?.value.byteLength ?? 0;
    if (bytes > bytesMax) break;
  }
  return records;
}

/** Reads whatever is in the database, and throws where it cannot be read or is not what was written. */
export async function readAll(level: LevelLike): Promise<void> {
  const iterator = level.iterator({ fillCache: false });
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE_ITEMS);
      if (page.length === 0) break;
      for (const [key, stored] of page) {
        if (isUserKey(key!)) readUserRecord(key!, stored!);
        else open(key!, stored!);
      }
    }
  } finally {
    await iterator.close();
  }
}
