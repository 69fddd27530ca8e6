import { createHash, type Hash } from 'node:crypto';
import type { Position, Revision } from '@holdfast/types';
import { fromUserKey, USER_RANGE } from './keys.ts';
import type { LevelLike, LevelSnapshot } from './level-like.ts';
import { readUserRecord } from './record.ts';
import type { StoredPosition } from './system-records.ts';

const PAGE_ITEMS = 1000;

export interface StoreDigest {
  readonly applied: Position;
  readonly revision: Revision;
  /** SHA-256 in lower-case hexadecimal over key, revision, value and expiry of every record in key order. */
  readonly digest: string;
  /** Number of keys. */
  readonly keys: number;
}

/**
 * SHA-256 over a sequence of byte strings, each behind its length (4 bytes, big-endian), so that no two
 * sequences read the same.
 */
export class SequenceDigest {
  readonly #hash: Hash = createHash('sha256');
  readonly #length: Buffer = Buffer.alloc(4);

  add(bytes: Uint8Array): void {
    this.#length.writeUInt32BE(bytes.byteLength);
    this.#hash.update(this.#length).update(bytes);
  }

  /** Lower-case hexadecimal. Ends the digest. */
  finish(): string {
    return this.#hash.digest('hex');
  }
}

/** Digest of the user data that `snapshot` sees. */
export async function digestOf(
  level: LevelLike,
  snapshot: LevelSnapshot,
  position: StoredPosition,
): Promise<StoreDigest> {
  const digest = new SequenceDigest();
  const revisionBytes = Buffer.alloc(8);
  const [first, end] = USER_RANGE;
  const iterator = level.iterator({ gte: first, lt: end, snapshot, fillCache: false });
  let keys = 0;
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE_ITEMS);
      if (page.length === 0) break;
      for (const [key, stored] of page) {
        const { value, revision, expiresAt } = readUserRecord(key!, stored!);
        revisionBytes.writeBigUInt64BE(BigInt(revision));
        digest.add(fromUserKey(key!));
        digest.add(revisionBytes);
        digest.add(value);
        if (expiresAt !== undefined) digest.add(Buffer.from(String(expiresAt)));
      }
      keys += page.length;
    }
  } finally {
    await iterator.close();
  }
  return { applied: position.applied, revision: position.revision, digest: digest.finish(), keys };
}
