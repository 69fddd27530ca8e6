import type { KeyRange, SessionId, Term } from '@holdfast/types';

/**
 * First byte of every key in LevelDB. `reserved` is never written and sorts below all others, so that
 * a compaction of that range touches no table (see checkpoints). System records and the index of expiries sort below
 * user data.
 */
const PREFIX = { reserved: 0x00, system: 0x10, expiry: 0x18, user: 0x20 } as const;

/** Bounds of key ranges in LevelDB: from the first, up to but not including the second. */
export const RESERVED_RANGE: readonly [Uint8Array, Uint8Array] = range(PREFIX.reserved);
export const SYSTEM_RANGE: readonly [Uint8Array, Uint8Array] = range(PREFIX.system);
export const EXPIRY_RANGE: readonly [Uint8Array, Uint8Array] = range(PREFIX.expiry);
export const USER_RANGE: readonly [Uint8Array, Uint8Array] = range(PREFIX.user);

/** System records, one letter each behind the prefix. */
const SYSTEM = { checkpoint: 0x63, format: 0x66, history: 0x68, position: 0x70, session: 0x73 } as const;

export const FORMAT_KEY: Uint8Array = Uint8Array.of(PREFIX.system, SYSTEM.format);
export const POSITION_KEY: Uint8Array = Uint8Array.of(PREFIX.system, SYSTEM.position);
export const CHECKPOINT_KEY: Uint8Array = Uint8Array.of(PREFIX.system, SYSTEM.checkpoint);

export function userKey(key: Uint8Array): Uint8Array {
  const prefixed = Buffer.allocUnsafe(1 + key.byteLength);
  writeUserKey(prefixed, 0, key);
  return prefixed;
}

/** Writes the stored form of `key` at `position`; returns where it ends. */
export function writeUserKey(target: Uint8Array, position: number, key: Uint8Array): number {
  target[position] = PREFIX.user;
  target.set(key, position + 1);
  return position + 1 + key.byteLength;
}

/** The caller's key of a stored one: a view, not a copy. */
export function fromUserKey(stored: Uint8Array): Uint8Array {
  return stored.subarray(1);
}

export function isUserKey(stored: Uint8Array): boolean {
  return stored[0] === PREFIX.user;
}

export function sessionKey(id: SessionId): Uint8Array {
  return Buffer.concat([Uint8Array.of(PREFIX.system, SYSTEM.session), Buffer.from(id, 'utf8')]);
}

/** Sorts by term. */
export function historyKey(term: Term): Uint8Array {
  const key = Buffer.allocUnsafe(10);
  key[0] = PREFIX.system;
  key[1] = SYSTEM.history;
  key.writeBigUInt64BE(BigInt(term), 2);
  return key;
}

const EXPIRY_HEAD_BYTES = 9;

/** Place of a key in the index of expiries, which sorts by log time. */
export function expiryKey(expiresAt: number, key: Uint8Array): Uint8Array {
  const place = Buffer.allocUnsafe(EXPIRY_HEAD_BYTES + key.byteLength);
  place[0] = PREFIX.expiry;
  place.writeBigUInt64BE(BigInt(expiresAt), 1);
  place.set(key, EXPIRY_HEAD_BYTES);
  return place;
}

/** What a place in the index speaks of; the key is a view. */
export function fromExpiryKey(place: Uint8Array): { readonly key: Uint8Array; readonly expiresAt: number } {
  const bytes = Buffer.from(place.buffer, place.byteOffset, place.byteLength);
  return { key: place.subarray(EXPIRY_HEAD_BYTES), expiresAt: Number(bytes.readBigUInt64BE(1)) };
}

export type SystemKeyKind = keyof typeof SYSTEM;

/** What a system record is about; undefined for a letter this version does not know. */
export function systemKeyKind(stored: Uint8Array): SystemKeyKind | undefined {
  for (const kind of Object.keys(SYSTEM) as SystemKeyKind[]) if (SYSTEM[kind] === stored[1]) return kind;
  return undefined;
}

/** Bounds of a user range as LevelDB wants them. */
export function userBounds(wanted: Pick<KeyRange, 'gt' | 'gte' | 'lt' | 'lte'>): {
  gt?: Uint8Array;
  gte?: Uint8Array;
  lt?: Uint8Array;
  lte?: Uint8Array;
} {
  const [first, end] = USER_RANGE;
  return {
    ...(wanted.gt === undefined ? {} : { gt: userKey(wanted.gt) }),
    ...(wanted.gte === undefined ? {} : { gte: userKey(wanted.gte) }),
    ...(wanted.gt === undefined && wanted.gte === undefined ? { gte: first } : {}),
    ...(wanted.lt === undefined ? {} : { lt: userKey(wanted.lt) }),
    ...(wanted.lte === undefined ? {} : { lte: userKey(wanted.lte) }),
    ...(wanted.lt === undefined && wanted.lte === undefined ? { lt: end } : {}),
  };
}

function range(prefix: number): readonly [Uint8Array, Uint8Array] {
  return [Uint8Array.of(prefix), Uint8Array.of(prefix + 1)];
}
