import { dirname } from 'node:path';
import type { Effect, FoundRange } from '@holdfast/core';
import {
  assert,
  type Clock,
  type Disk,
  type DiskError,
  HoldfastError,
  type KeyRange,
  type LogIndex,
  type Position,
  type Revision,
  type StoredRecord,
  type StoreState,
} from '@holdfast/types';
import { ApplyQueue } from './apply-queue.ts';
import { classicLevel } from './classic-level.ts';
import { clearSuspicion, markDamaged, markSuspect, marksIn } from './damage-mark.ts';
import { digestOf, type StoreDigest } from './digest.ts';
import { type FoundDue, findDue } from './expiry-index.ts';
import { RESERVED_RANGE } from './keys.ts';
import { damageOf, diskErrorOf, isClosed, isCorruption, isDiskFailure } from './level-errors.ts';
import type { LevelLike, LevelLocation, LevelSnapshot } from './level-like.ts';
import { mutationOperations } from './mutation-batch.ts';
import { findOld, type OldKeysWanted } from './old-keys.ts';
import type { StoreScan } from './scan.ts';
import { LevelStoreSnapshot, type StoreSnapshot } from './snapshot.ts';
import { receiveSnapshot, type SnapshotReceiver, type SnapshotReceiverOptions } from './snapshot-receiver.ts';
import { readAll, recordOf, recordsOf } from './stored-records.ts';
import { type ApplyBatch, SystemIndex } from './system-index.ts';
import {
  EMPTY_STATE,
  putCheckpoint,
  putFormat,
  putPosition,
  readPosition,
  readSystemState,
  type StoredPosition,
} from './system-records.ts';
import { LevelView, type StoreView } from './view.ts';

export interface StoreOptions {
  /** Holds the files of one store and nothing else; made if missing. */
  readonly directory: string;
  /** Makes the database in the directory; LevelDB by default. */
  readonly location?: LevelLocation;
  readonly disk: Disk;
  readonly clock: Clock;
  /**
   * A write or read failed; its cause is a `DiskError`. ENOSPC: batches wait and reads go on until `reopen`.
   * Anything else is final: every batch is rejected and the node must stop. `isDamage`: what was read is not what was
   * written.
   */
  onFailure(error: Error, isDamage: boolean): void;
  /** After each batch: milliseconds it took, entries it held. */
  onApply?(durationMs: number, entries: number): void;
}

export interface OpenedStore {
  readonly store: Store;
  readonly state: StoreState;
  /** False: the store is damaged, `state` is that of an empty one, and every read or write is refused. */
  readonly usable: boolean;
  readonly reason?: string;
}

/**
 * `open`: all works. `stalled`: no space; reads only. `reopening`, `down`: being reopened, and that failed.
 * `failed`, `unusable`, `closed`: for good.
 */
type Condition = 'open' | 'stalled' | 'reopening' | 'down' | 'failed' | 'unusable' | 'closed';

/** The replicated state of one database: what the log's entries, applied in order, have left. */
export class Store {
  readonly #options: StoreOptions;
  readonly #level: LevelLike | undefined;
  readonly #queue: ApplyQueue<ApplyBatch>;
  readonly #index: SystemIndex;
  #condition: Condition;
  /** What it is not open for. */
  #cause: DiskError | undefined;
  /** Newest in the store. After a power cut it may be ahead of `#whole`: see there. */
  #stored: StoredPosition;
  /**
   * Up to here every effect is in the store: applied by this run, or below the checkpoint it began with.
   * LevelDB may have kept a batch while it lost an earlier one, so `#stored`, as found when opened, proves
   * nothing; only what was applied again since then may be served or be called a checkpoint.
   */
  #whole: Position;
  /** Above every revision that a read may meet: that of the batch under way, if there is one. */
  #revisionMax: Revision;
  #checkpoint: Position;
  #checkpointing: Promise<Position> | undefined;
  /** A batch is being written: two reads may see one before and one after it. */
  #applying = false;
  /** Last entry handed to `apply`. */
  #asked: LogIndex;

  private constructor(
    options: StoreOptions,
    level: LevelLike | undefined,
    state: StoreState,
    condition: Condition,
  ) {
    this.#options = options;
    this.#level = level;
    this.#condition = condition;
    this.#stored = state;
    this.#whole = state.checkpoint;
    this.#asked = state.checkpoint.index;
    this.#checkpoint = state.checkpoint;
    this.#revisionMax = state.revision;
    this.#index = new SystemIndex(state.history.map(({ term }) => term));
    this.#queue = new ApplyQueue(
      (batch) => this.#write(batch),
      (error) => this.#onBatchFailure(error),
    );
  }

  /**
   * Opens the store in a directory, or makes an empty one.
   * Damage is an answer (`usable: false`), never an error and never an empty store; so is what the disk cannot read at
   * two starts in a row.
   * Throws HOLDFAST_DATA_DIRECTORY_IN_USE, _UNUSABLE, HOLDFAST_DISK_FULL or HOLDFAST_DISK_FAILED.
   */
  static async open(options: StoreOptions): Promise<OpenedStore> {
    const { disk, directory } = options;
    await disk.makeDirectory(directory);
    await disk.syncDirectory(dirname(directory));
    const { damage, isSuspect } = await marksIn(disk, directory);
    if (damage !== undefined) return unusable(undefined, damage);
    const level = (options.location ?? classicLevel)(directory);
    try {
      await level.open();
    } catch (error) {
      const reason = await unreadable(error);
      return unusable(undefined, reason ?? damageOf(error, directory));
    }
    let state: StoreState | undefined;
    try {
      state = await readSystemState(level);
      if (isSuspect) await readAll(level);
    } catch (error) {
      if (isCorruption(error)) return unusable(level, error.message);
      const reason = await unreadable(error);
      if (reason !== undefined) return unusable(level, reason);
      await level.close();
      throw failureOf(diskErrorOf(error, directory));
    }
    // All of it can be read: a disk that fails now fails this start, and is no reason to give the store up, or to suspect it.
    try {
      if (state === undefined) await level.batch([putFormat()], { sync: true });
      await disk.syncDirectory(directory);
      if (isSuspect) await clearSuspicion(disk, directory);
    } catch (error) {
      await level.close();
      throw failureOf(diskErrorOf(error, directory));
    }
    state ??= EMPTY_STATE;
    return { store: new Store(options, level, state, 'open'), state, usable: true };

    function unusable(opened: LevelLike | undefined, reason: string): OpenedStore {
      const store = new Store(options, opened, EMPTY_STATE, 'unusable');
      return { store, state: EMPTY_STATE, usable: false, reason };
    }

    /** Why a disk that fails again makes it unusable for this start. The first time the start itself fails. */
    async function unreadable(error: unknown): Promise<string | undefined> {
      const { code, message } = diskErrorOf(error, directory);
      if (code !== 'EIO') return undefined;
      if (isSuspect) return `it cannot be read: ${message}`;
      await markSuspect(disk, directory, message).catch(() => undefined);
      return undefined;
    }
  }

  /** Begins a store in a directory of its own from a peer's snapshot. */
  static receiveSnapshot(options: SnapshotReceiverOptions): Promise<SnapshotReceiver> {
    return receiveSnapshot(options);
  }

  /** Newest entry whose effects are in the store, counting what a run before this one left. */
  get position(): Position {
    return this.#stored.applied;
  }

  /** Newest revision applied. */
  get revision(): Revision {
    return this.#stored.revision;
  }

  /** Everything up to here is on stable storage. */
  get checkpointed(): Position {
    return this.#checkpoint;
  }

  /**
   * Writes one batch: data, position, sessions and history together or not at all. First-in first-out;
   * resolves when it is seen by reads, not when it is on stable storage. With the disk full the promise
   * stays pending, and the batch is written once `reopen` succeeds.
   */
  apply(batch: Extract<Effect, { kind: 'apply' }>): Promise<void> {
    if (isFinal(this.#condition)) return Promise.reject(this.#notReady());
    const first = batch.entries[0];
    assert(first === undefined || first.index <= this.#asked + 1, 'entries are applied without a gap');
    this.#asked = batch.applied.index;
    return this.#queue.push(batch);
  }

  /**
   * The newest applied records, all of one moment. `revision` is at or above the revision of the state
   * read: that of the batch being written, whose effects may or may not have been met. Values beyond `bytesMax` bytes end the look: `records` is shorter then.
   */
  get(
    keys: readonly Uint8Array[],
    bytesMax: number = Number.POSITIVE_INFINITY,
  ): { records: (StoredRecord | undefined)[]; revision: Revision } {
    const level = this.#servingLevel();
    try {
      // Two reads without a snapshot may stand before and behind a batch that is just being written.
      if (keys.length > 1 && this.#applying) return this.#getAtOnce(level, keys, bytesMax);
      return {
        records: recordsOf(keys, bytesMax, (key) => recordOf(level, key)),
        revision: this.#revisionMax,
      };
    } catch (error) {
      throw this.#readFailure(error);
    }
  }

  /** A range as of now; close it. */
  scan(range: KeyRange): StoreScan {
    const view = this.view();
    try {
      return view.scan(range);
    } finally {
      void view.close();
    }
  }

  /** The state of now; close it. */
  view(): StoreView {
    const level = this.#servingLevel();
    const { snapshot, position } = this.#snapshot(level);
    const failure = (error: unknown): unknown => this.#readFailure(error);
    return new LevelView({ level, snapshot, revision: position.revision, failure });
  }

  /**
   * Brings everything applied so far to stable storage, and only then says so, durably. Resolves with
   * the position proven; a call during another shares its answer. See docs/adr/0003-store-checkpoints.md.
   */
  checkpoint(): Promise<Position> {
    this.#checkpointing ??= this.#takeCheckpoint().finally(() => {
      this.#checkpointing = undefined;
    });
    return this.#checkpointing;
  }

  /** Everything a new store needs, as of now; close it. */
  openSnapshot(): StoreSnapshot {
    const level = this.#servingLevel();
    const { snapshot, position } = this.#snapshot(level);
    return new LevelStoreSnapshot({
      level,
      snapshot,
      position,
      failure: (error) => this.#readFailure(error),
    });
  }

  /** At most `placesMax` keys whose time has come by the log time `upTo`, earliest first, all as of now. */
  async findDue(options: { readonly upTo: number; readonly placesMax: number }): Promise<FoundDue> {
    const level = this.#servingLevel();
    const snapshot = level.snapshot();
    try {
      return await findDue(level, snapshot, options);
    } catch (error) {
      throw this.#readFailure(error);
    } finally {
      await snapshot.close();
    }
  }

  /** The keys of a range that are old enough to be cleared, all as of now. */
  async findOld(wanted: OldKeysWanted): Promise<FoundRange> {
    const level = this.#servingLevel();
    const snapshot = level.snapshot();
    try {
      return await findOld(level, snapshot, wanted);
    } catch (error) {
      throw this.#readFailure(error);
    } finally {
      await snapshot.close();
    }
  }

  /** Of user data: equal on two nodes at the same position exactly if they hold the same. */
  async digest(): Promise<StoreDigest> {
    const level = this.#servingLevel();
    const { snapshot, position } = this.#snapshot(level);
    try {
      return await digestOf(level, snapshot, position);
    } catch (error) {
      throw this.#readFailure(error);
    } finally {
      await snapshot.close();
    }
  }

  /**
   * LevelDB's background error is sticky: once there is space again the database must be opened anew.
   * Scans and snapshots are lost; batches that wait are then written. Call it only when there is space:
   * if it fails for want of some nothing can be read until it succeeds, and for any other reason the store has failed.
   * Throws HOLDFAST_DISK_FULL or HOLDFAST_DISK_FAILED.
   */
  async reopen(): Promise<void> {
    assert(!isFinal(this.#condition) && this.#condition !== 'reopening', `reopened while ${this.#condition}`);
    const level = this.#level!;
    this.#condition = 'reopening';
    await this.#queue.hold();
    await this.#checkpointing?.catch(() => undefined);
    try {
      await level.close();
      await level.open();
      const position = readPosition(level);
      if ((position?.applied.index ?? 0) < this.#stored.applied.index) throw new Error('the store went back');
    } catch (error) {
      const cause = diskErrorOf(error, this.#options.directory);
      if (this.#condition === 'reopening') {
        this.#condition = 'down';
        this.#cause = cause;
      }
      // Damage and lost sectors stay, however often it is opened: the node stops, and its next start rebuilds what it lost.
      if (cause.code !== 'ENOSPC') this.#fail(error);
      throw failureOf(cause);
    }
    // Closed, or failed for good, meanwhile.
    if (this.#condition !== 'reopening') {
      await level.close();
      throw this.#notReady();
    }
    this.#condition = 'open';
    this.#cause = undefined;
    this.#queue.resume();
  }

  /** Ends what is under way, rejects what waits. Scans and snapshots still open are lost. */
  async close(): Promise<void> {
    if (this.#condition === 'closed') return;
    this.#condition = 'closed';
    await this.#queue.hold();
    this.#queue.rejectAll(this.#notReady());
    await this.#checkpointing?.catch(() => undefined);
    await this.#level?.close();
  }

  async #write(batch: ApplyBatch): Promise<void> {
    const startedAt = this.#options.clock.now();
    // What a power cut left may be newer than this batch. The position must not go back: a second crash
    // during the repetition would then hide that later effects are there.
    const stored = newer(this.#stored, batch);
    const operations = mutationOperations(batch.entries);
    operations.push(...this.#index.begin(batch, this.#checkpoint.index), putPosition(stored));
    this.#revisionMax = stored.revision;
    this.#applying = true;
    try {
      await this.#level!.batch(operations, { sync: false });
    } finally {
      this.#applying = false;
    }
    this.#index.settle();
    this.#stored = stored;
    if (batch.applied.index > this.#whole.index) this.#whole = batch.applied;
    this.#options.onApply?.(this.#options.clock.now() - startedAt, batch.entries.length);
  }

  async #takeCheckpoint(): Promise<Position> {
    if (this.#condition !== 'open') throw this.#notReady();
    const level = this.#level!;
    const position = this.#whole;
    if (position.index === this.#checkpoint.index) return position;
    try {
      // Empties the memory table, and any before it, into tables that are synced. An error in it is not
      // reported here, but it is sticky: the batch after it fails.
      await level.compactRange(...RESERVED_RANGE);
      await level.batch([putCheckpoint(position)], { sync: true });
      // LevelDB syncs the directory with its manifest only: the file that holds the record may be newer.
      await this.#options.disk.syncDirectory(this.#options.directory);
    } catch (error) {
      this.#fail(error);
      throw diskErrorOf(error, this.#options.directory);
    }
    this.#checkpoint = position;
    return position;
  }

  #getAtOnce(
    level: LevelLike,
    keys: readonly Uint8Array[],
    bytesMax: number,
  ): { records: (StoredRecord | undefined)[]; revision: Revision } {
    const { snapshot, position } = this.#snapshot(level);
    try {
      const records = recordsOf(keys, bytesMax, (key) => recordOf(level, key, snapshot));
      return { records, revision: position.revision };
    } finally {
      void snapshot.close();
    }
  }

  /** A snapshot with the position that belongs to it, which may be that of the batch under way. */
  #snapshot(level: LevelLike): { snapshot: LevelSnapshot; position: StoredPosition } {
    const snapshot = level.snapshot();
    try {
      return { snapshot, position: readPosition(level, snapshot) ?? EMPTY_STATE };
    } catch (error) {
      void snapshot.close();
      throw this.#readFailure(error);
    }
  }

  /** Nothing is read before what a power cut may have lost is applied again. */
  #servingLevel(): LevelLike {
    const readable = this.#condition === 'open' || this.#condition === 'stalled';
    if (!readable || this.#whole.index < this.#stored.applied.index) throw this.#notReady();
    return this.#level!;
  }

  #notReady(): HoldfastError {
    const why = this.#condition === 'open' ? 'repeating its log' : this.#condition;
    return new HoldfastError('HOLDFAST_NOT_READY', `the store is ${why}`, { cause: this.#cause });
  }

  /** What to reject batches with; nothing while they may still be written. */
  #onBatchFailure(error: unknown): Error | undefined {
    this.#fail(error);
    return isFinal(this.#condition) ? diskErrorOf(error, this.#options.directory) : undefined;
  }

  /** Makes of a failed read what its caller is told; a damaged store is never read again. */
  #readFailure(error: unknown): unknown {
    if (error instanceof HoldfastError) return error;
    if (isClosed(error)) {
      return new HoldfastError('HOLDFAST_SNAPSHOT_LOST', 'the store was closed under the read', {
        cause: error,
      });
    }
    if (!isDiskFailure(error)) return error;
    this.#fail(error);
    return new HoldfastError('HOLDFAST_DISK_FAILED', 'the store cannot be read', { cause: error });
  }

  /** Judges a failure and reports it once; what follows from it is not news. */
  #fail(error: unknown): void {
    const cause = diskErrorOf(error, this.#options.directory);
    const full = cause.code === 'ENOSPC';
    if (isFinal(this.#condition) || (full && this.#condition !== 'open')) return;
    this.#condition = full ? 'stalled' : 'failed';
    this.#cause = cause;
    if (!full) this.#queue.rejectAll(cause);
    void this.#report(cause, isCorruption(error));
  }

  /** A mark stands before anybody hears of the damage: the node may stop at once. */
  async #report(cause: DiskError, damaged: boolean): Promise<void> {
    const { disk, directory, onFailure } = this.#options;
    try {
      if (damaged) await markDamaged(disk, directory, cause.message);
      else if (cause.code === 'EIO') await markSuspect(disk, directory, cause.message);
    } catch {
      // The disk takes no mark; the failure is reported all the same, and will be met again.
    }
    onFailure(failureOf(cause), damaged);
  }
}

function failureOf(cause: DiskError): HoldfastError {
  const code = cause.code === 'ENOSPC' ? 'HOLDFAST_DISK_FULL' : 'HOLDFAST_DISK_FAILED';
  return new HoldfastError(code, cause.message, { cause });
}

function isFinal(condition: Condition): boolean {
  return condition === 'failed' || condition === 'unusable' || condition === 'closed';
}

function newer(stored: StoredPosition, batch: ApplyBatch): StoredPosition {
  if (stored.applied.index > batch.applied.index) return stored;
  return { applied: batch.applied, revision: batch.revision, logTime: batch.logTime };
}
