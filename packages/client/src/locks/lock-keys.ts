import type { Revision } from '@holdfast/types';

/** What one can hold: a lock and an office of the same name have nothing to do with each other. */
export type HeldKind = 'lock' | 'election';

/** How Holdfast's own keys begin: no application meets them, nor deletes them with what is its own. */
const RESERVED = '\u0000holdfast/';
/** How the keys of holders begin, each followed by the stored key of the name. */
const HELD_TAGS: Readonly<Record<HeldKind, Buffer>> = {
  lock: Buffer.from(`${RESERVED}lock/`, 'latin1'),
  election: Buffer.from(`${RESERVED}election/`, 'latin1'),
};
const WAITING_TAGS: Readonly<Record<HeldKind, Buffer>> = {
  lock: Buffer.from(`${RESERVED}lock-waiting/`, 'latin1'),
  election: Buffer.from(`${RESERVED}election-waiting/`, 'latin1'),
};
const LEASE_TAG = Buffer.from(`${RESERVED}lease/`, 'latin1');
const LENGTH_BYTES = 2;
const PLACE_BYTES = 8;

/** Where a lock and its queue are kept, as the cluster stores keys. */
export interface LockKeys {
  /** Of its holder; absent while nobody holds it. */
  readonly held: Buffer;
  /** Of those who wait: all of them begin so, in the order of their places. */
  readonly waiting: Buffer;
}

/** `stored`: the key that the name would be stored by, were it one of its database. */
export function lockKeys(kind: HeldKind, stored: Uint8Array): LockKeys {
  // The length in front makes that no queue's prefix is the beginning of another's.
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(stored.length);
  return {
    held: Buffer.concat([HELD_TAGS[kind], stored]),
    waiting: Buffer.concat([WAITING_TAGS[kind], length, stored]),
  };
}

/** Of a lease itself. `stored`: as of `lockKeys`, for an id of its own. */
export function leaseKey(stored: Uint8Array): Buffer {
  return Buffer.concat([LEASE_TAG, stored]);
}

/** `place`: a revision that was seen before asking for one: whoever asks later has seen a later one. */
export function waitingKey(waiting: Uint8Array, place: Revision, id: Uint8Array): Buffer {
  const number = Buffer.alloc(PLACE_BYTES);
  number.writeBigUInt64BE(BigInt(place));
  return Buffer.concat([waiting, number, id]);
}
