import { assert, type Position } from '@holdfast/types';
import { SequenceDigest } from './digest.ts';
import { CHECKPOINT_KEY, isUserKey, SYSTEM_RANGE, USER_RANGE } from './keys.ts';
import type { LevelLike, LevelSnapshot } from './level-like.ts';
import { open, readUserRecord } from './record.ts';
import type { StoredPosition } from './system-records.ts';

const PAGE_ITEMS = 256;
const PAGE_BYTES = 262_144;

/** One consistent image of a store: data, sessions, history and position, of one moment. */
export interface StoreSnapshot {
  /** Of the newest entry in it. */
  readonly position: Position;
  /**
   * All records in key order, alternating raw keys and values; each chunk holds at most `bytesMax`, or
   * one record. To be walked once. HOLDFAST_SNAPSHOT_LOST if the store was closed or reopened.
   */
  chunks(bytesMax: number): AsyncIterable<Uint8Array[]>;
  /** Of all that `chunks` gave, after its end: lower-case hexadecimal SHA-256, see `SequenceDigest`. */
  digest(): string;
  close(): Promise<void>;
}

export interface LevelStoreSnapshotOptions {
  readonly level: LevelLike;
  /** Closed with this. */
  readonly snapshot: LevelSnapshot;
  /** As read from `snapshot`. */
  readonly position: StoredPosition;
  /** Makes of a failed read what the caller is told. */
  readonly failure: (error: unknown) => unknown;
}

export class LevelStoreSnapshot implements StoreSnapshot {
  readonly #options: LevelStoreSnapshotOptions;
  readonly #digest: SequenceDigest = new SequenceDigest();
  #walk: 'not begun' | 'begun' | 'ended' = 'not begun';
  #closing: Promise<void> | undefined;

  constructor(options: LevelStoreSnapshotOptions) {
    this.#options = options;
  }

  get position(): Position {
    return this.#options.position.applied;
  }

  async *chunks(bytesMax: number): AsyncIterable<Uint8Array[]> {
    assert(this.#walk === 'not begun', 'a snapshot is walked once');
    this.#walk = 'begun';
    try {
      yield* this.#records(bytesMax);
    } catch (error) {
      throw this.#options.failure(error);
    }
    this.#walk = 'ended';
  }

  digest(): string {
    assert(this.#walk === 'ended', 'the digest is known once all chunks are made');
    return this.#digest.finish();
  }

  close(): Promise<void> {
    this.#closing ??= this.#options.snapshot.close();
    return this.#closing;
  }

  async *#records(bytesMax: number): AsyncIterable<Uint8Array[]> {
    const { level, snapshot } = this.#options;
    let chunk: Uint8Array[] = [];
    let bytes = 0;
    const iterator = level.iterator({
      gte: SYSTEM_RANGE[0],
      lt: USER_RANGE[1],
      snapshot,
      fillCache: false,
      highWaterMarkBytes: PAGE_BYTES,
    });
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE_ITEMS);
        if (page.length === 0) break;
        for (const [key, value] of page) {
          if (isLocal(key!)) continue;
          assertReadable(key!, value!);
          const size = key!.byteLength + value!.byteLength;
          if (chunk.length > 0 && bytes + size > bytesMax) {
            yield chunk;
            chunk = [];
            bytes = 0;
          }
          this.#digest.add(key!);
          this.#digest.add(value!);
          chunk.push(key!, value!);
          bytes += size;
        }
      }
      if (chunk.length > 0) yield chunk;
    } finally {
      await iterator.close();
    }
  }
}

/** The checkpoint says something of one directory alone. */
function isLocal(key: Uint8Array): boolean {
  return Buffer.compare(key, CHECKPOINT_KEY) === 0;
}

/** Damage must not travel: a peer would take it for what was written. */
function assertReadable(key: Uint8Array, value: Uint8Array): void {
  if (isUserKey(key)) readUserRecord(key, value);
  else open(key, value);
}
