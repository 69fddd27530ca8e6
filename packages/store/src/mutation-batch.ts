import { type Entry, forEachMutation } from '@holdfast/types';
import { putPlace, settlePlaces } from './expiry-index.ts';
import { writeUserKey } from './keys.ts';
import type { LevelOperation } from './level-like.ts';
import { userRecordBytes, writeUserRecord } from './record.ts';

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
      const { value, expiresAt, formerExpiry } = mutation;
      const record = expiresAt === undefined ? { value, revision } : { value, revision, expiresAt };
      position = writeUserRecord(pool, { keyStart, keyEnd }, record);
      operations.push({ type: 'put', key, value: pool.subarray(keyEnd, position) });
      if (expiresAt !== undefined || formerExpiry !== undefined) putPlace(mutation, operations);
    });
    settlePlaces(entry, operations);
  }
  return operations;
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) {
    forEachMutation(entry, (mutation) => {
      bytes += 1 + mutation.key.byteLength;
      if (mutation.kind === 'put') bytes += userRecordBytes(mutation);
    });
  }
  return bytes;
}
