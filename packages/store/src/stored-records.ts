import type { StoredRecord } from '@holdfast/types';
import { userKey } from './keys.ts';
import type { LevelLike, LevelSnapshot } from './level-like.ts';
import { readUserRecord } from './record.ts';

export function recordOf(
  level: LevelLike,
  key: Uint8Array,
  snapshot?: LevelSnapshot,
): StoredRecord | undefined {
  const storedKey = userKey(key);
  const stored = level.getSync(storedKey, snapshot === undefined ? {} : { snapshot });
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
