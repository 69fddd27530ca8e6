import type { LogIndex, Position, StoredRecord, Term } from '@holdfast/types';
import { CHECKPOINT_KEY, fromUserKey, isUserKey } from './keys.ts';
import { readUserRecord } from './record.ts';
import { checkpointOf } from './system-records.ts';

/** What lies in LevelDB, for who checks a store from outside. */
export interface InspectedStore {
  /** Of index 0: there is none. */
  readonly checkpoint: Position;
  /** The caller's keys, in order. */
  readonly records: readonly { readonly key: Uint8Array; readonly record: StoredRecord }[];
}

/** `stored`: keys and values as they are in LevelDB. Throws `UnreadableRecordError` where one is damaged. */
export function inspectStore(
  stored: Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>,
): InspectedStore {
  let checkpoint: Position = { index: 0 as LogIndex, term: 0 as Term };
  const records: { key: Uint8Array; record: StoredRecord }[] = [];
  for (const { key, value } of stored) {
    if (isUserKey(key)) records.push({ key: fromUserKey(key), record: readUserRecord(key, value) });
    else if (Buffer.compare(key, CHECKPOINT_KEY) === 0) checkpoint = checkpointOf(value);
  }
  return { checkpoint, records };
}
