import type { Entry, EntryRequest, Mutation, Revision } from '@holdfast/types';
import { writeUserKey } from './keys.ts';
import type { LevelOperation } from './level-like.ts';
import { userRecordBytes, writeUserRecord } from './record.ts';

/**
 * Calls back for every mutation of an entry with its revision: they count up from the entry's first.
 * The one place that says which revision a mutation has, so that replaying it can only repeat it.
 */
export function forEachMutation(
  entry: Entry,
  callback: (mutation: Mutation, revision: Revision) => void,
): void {
  if (entry.body.kind !== 'requests') return;
  let revision: number = entry.firstRevision;
  for (const request of entry.body.requests) {
    for (const mutation of mutationsOf(request)) {
      callback(mutation, revision as Revision);
      revision += 1;
    }
  }
}

/**
 * The mutations of `entries` as LevelDB operations, in order. Keys and records share one allocation,
 * each record behind its key: a batch has hundreds, and an allocation each costs more than the copy.
 */
export function mutationOperations(entries: readonly Entry[]): LevelOperation[] {
  const pool = Buffer.allocUnsafeSlow(bytesOf(entries));
  const operations: LevelOperation[] = [];
  let position = 0;
  for (const entry of entries) {
    forEachMutation(entry, (mutation, revision) => {
      const keyStart = position;
      const keyEnd = writeUserKey(pool, keyStart, mutation.key);
      const key = pool.subarray(keyStart, keyEnd);
      position = keyEnd;
      if (mutation.kind === 'del') {
        operations.push({ type: 'del', key });
        return;
      }
      position = writeUserRecord(pool, { keyStart, keyEnd }, { value: mutation.value, revision });
      operations.push({ type: 'put', key, value: pool.subarray(keyEnd, position) });
    });
  }
  return operations;
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) {
    forEachMutation(entry, (mutation) => {
      bytes += 1 + mutation.key.byteLength;
      if (mutation.kind === 'put') bytes += userRecordBytes(mutation.value);
    });
  }
  return bytes;
}

function mutationsOf(request: EntryRequest): readonly Mutation[] {
  return request.kind === 'write' ? request.mutations : [];
}
