import { dirname } from 'node:path';
import { type Disk, HoldfastError, type StoreState } from '@holdfast/types';
import { classicLevel } from './classic-level.ts';
import { SequenceDigest } from './digest.ts';
import { CHECKPOINT_KEY, isUserKey, POSITION_KEY, RESERVED_RANGE, SYSTEM_RANGE, USER_RANGE } from './keys.ts';
import { diskErrorOf, isCorruption } from './level-errors.ts';
import type { LevelLike, LevelLocation, LevelOperation } from './level-like.ts';
import { open, readUserRecord } from './record.ts';
import { positionOf, putCheckpoint, readSystemState } from './system-records.ts';

export interface SnapshotReceiverOptions {
  /** Of the new store; whatever is in it is removed first. */
  readonly directory: string;
  readonly disk: Disk;
  /** Makes the database in the directory; LevelDB by default. */
  readonly location?: LevelLocation;
}

/** Builds a store from the chunks of a peer's snapshot. Calls are awaited one by one. */
export interface SnapshotReceiver {
  /** The next chunk: alternating raw keys and values, in key order over all chunks. */
  write(records: readonly Uint8Array[]): Promise<void>;
  /**
   * All chunks came. Resolves with the store closed, verified and on stable storage, ready for
   * `Store.open`. If it is not what the sender digested, or no whole store, throws
   * HOLDFAST_INVALID_MESSAGE and the directory is removed; if the disk fails, throws its `DiskError`.
   */
  finish(digest: string): Promise<StoreState>;
  /** Removes the directory; does nothing after `finish`. */
  abort(): Promise<void>;
}

export async function receiveSnapshot(options: SnapshotReceiverOptions): Promise<SnapshotReceiver> {
  const { directory, disk } = options;
  await disk.remove(directory);
  await disk.makeDirectory(directory);
  const level = (options.location ?? classicLevel)(directory);
  try {
    await level.open();
  } catch (error) {
    // As in `abort`: on a full disk one attempt would follow another, each with files of its own.
    await disk.remove(directory).catch(() => undefined);
    throw diskErrorOf(error, directory);
  }
  return new LevelSnapshotReceiver(options, level);
}

class LevelSnapshotReceiver implements SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  readonly #level: LevelLike;
  readonly #digest: SequenceDigest = new SequenceDigest();
  #lastKey: Uint8Array = SYSTEM_RANGE[0];
  /**
   * Held back to the end: without it the directory is no store, so a transfer that a crash cut off is
   * never taken for one that ended, whatever of it LevelDB kept.
   */
  #position: Uint8Array | undefined;
  #ended = false;

  constructor(options: SnapshotReceiverOptions, level: LevelLike) {
    this.#options = options;
    this.#level = level;
  }

  async write(records: readonly Uint8Array[]): Promise<void> {
    await this.#removedOnFailure(async () => {
      const operations = this.#take(records);
      if (operations.length > 0) await this.#level.batch(operations, { sync: false });
    });
  }

  async finish(digest: string): Promise<StoreState> {
    return await this.#removedOnFailure(async () => {
      const position = this.#position;
      if (this.#digest.finish() !== digest) throw refused('the digest of the records does not match');
      if (position === undefined) throw refused('there is no position among the records');
      const { directory, disk } = this.#options;
      await this.#level.compactRange(...RESERVED_RANGE);
      const last: LevelOperation[] = [
        { type: 'put', key: POSITION_KEY, value: position },
        putCheckpoint(positionOf(position).applied),
      ];
      await this.#level.batch(last, { sync: true });
      const state = await readSystemState(this.#level);
      await this.#level.close();
      await disk.syncDirectory(directory);
      await disk.syncDirectory(dirname(directory));
      this.#ended = true;
      return state!;
    });
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#level.close();
    await this.#options.disk.remove(this.#options.directory);
    await this.#options.disk.syncDirectory(dirname(this.#options.directory));
  }

  /** Checks every record before it is written: what is refused never lies in a store. */
  #take(records: readonly Uint8Array[]): LevelOperation[] {
    if (records.length % 2 !== 0) throw refused('a key has no value');
    const operations: LevelOperation[] = [];
    for (let position = 0; position < records.length; position += 2) {
      const key = records[position]!;
      const value = records[position + 1]!;
      this.#check(key, value);
      this.#digest.add(key);
      this.#digest.add(value);
      this.#lastKey = key;
      if (Buffer.compare(key, POSITION_KEY) === 0) this.#position = value;
      else operations.push({ type: 'put', key, value });
    }
    return operations;
  }

  #check(key: Uint8Array, value: Uint8Array): void {
    if (Buffer.compare(key, this.#lastKey) <= 0) throw refused('the keys are not in order');
    if (Buffer.compare(key, USER_RANGE[1]) >= 0) throw refused('a key is out of range');
    if (Buffer.compare(key, CHECKPOINT_KEY) === 0) throw refused('it holds the checkpoint of another store');
    if (isUserKey(key)) readUserRecord(key, value);
    else open(key, value);
  }

  /** A directory that is not a whole store does not stay. */
  async #removedOnFailure<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      // What cannot be removed now is no store, for it has no position: the next start removes it.
      await this.abort().catch(() => undefined);
      if (error instanceof HoldfastError) throw error;
      if (isCorruption(error)) throw refused(error.message, error);
      throw diskErrorOf(error, this.#options.directory);
    }
  }
}

function refused(reason: string, cause?: Error): HoldfastError {
  return new HoldfastError('HOLDFAST_INVALID_MESSAGE', `snapshot refused: ${reason}`, { cause });
}
