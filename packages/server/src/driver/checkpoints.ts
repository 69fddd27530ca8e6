import type { RecoveredLog } from '@holdfast/core';
import {
  type Clock,
  DiskError,
  type Entry,
  entryBytes,
  HoldfastError,
  type LogIndex,
  type Position,
  type Timer,
} from '@holdfast/types';
import type { Wal } from '@holdfast/wal';
import type { DriverTuning } from './driver-tuning.ts';
import { LogTail } from './log-tail.ts';
import type { StoreSlot } from './store-slot.ts';

export interface CheckpointsOptions {
  readonly slot: StoreSlot;
  readonly wal: Wal;
  readonly clock: Clock;
  readonly tuning: DriverTuning;
  readonly recovered: RecoveredLog;
  /** The log below it is needed by nobody, if below `peersFrom` nothing is kept for a peer. */
  retainFrom(peersFrom: LogIndex): LogIndex;
  /** The log below it is about to go. */
  onHeadRemoved(below: LogIndex): void;
  onFailure(error: Error): void;
}

/**
 * Makes the store durable from time to time and lets go of the head of the log that nobody needs then: not the
 * store, not a peer, and not the tail kept for standbys that lag.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #tail: LogTail;
  /** Of the log's files, that the tail has been told of. */
  #usedBytes = 0;
  #removedBelow: LogIndex;
  #appliedBytes = 0;
  /** Of the longest image of the store that was sent to a peer, as far as it has been; until all are level again. */
  #imageBytes = 0;
  #timer: Timer | undefined;
  #paused = false;
  /** Checkpoints and whatever must not overlap with one, in turn. */
  #work: Promise<void> = Promise.resolve();
  #underWay = false;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    const { first, last } = options.recovered;
    this.#removedBelow = first;
    const next = (last.index + 1) as LogIndex;
    this.#tail = new LogTail(
      { first, next, bytes: options.wal.stats.bytes },
      options.tuning.walRetainStepBytes,
    );
  }

  logged(entries: readonly Entry[]): void {
    this.#measure();
    for (const entry of entries) this.#tail.reached(entry.index);
  }

  applied(entries: readonly Entry[]): void {
    if (this.#paused) return;
    for (const entry of entries) this.#appliedBytes += entryBytes(entry);
    if (this.#appliedBytes >= this.#options.tuning.checkpointBytes) this.#begin();
    else
      this.#timer ??= this.#options.clock.setTimer(this.#options.tuning.checkpointMs, () => this.#begin(), {
        background: true,
      });
  }

  /** So much of an image of the store has been sent to a peer by now. */
  imageSent(bytes: number): void {
    this.#imageBytes = Math.max(this.#imageBytes, bytes);
  }

  /** Runs `work` when no checkpoint is under way; the next begins after it. */
  async hold(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    await done;
  }

  /** No further checkpoint begins. */
  pause(): void {
    this.#paused = true;
    this.#timer?.cancel();
  }

  async stop(): Promise<void> {
    this.pause();
    await this.#work;
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#underWay || this.#paused) return;
    this.#underWay = true;
    this.#appliedBytes = 0;
    this.hold(() => this.#checkpoint())
      .catch((error: unknown) =>
        this.#options.onFailure(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => {
        this.#underWay = false;
      });
  }

  /** What is still on its way to the disk counts with what comes next. */
  #measure(): void {
    const { usedBytes } = this.#options.wal;
    this.#tail.grewBy(usedBytes - this.#usedBytes);
    this.#usedBytes = usedBytes;
  }

  async #checkpoint(): Promise<void> {
    if (this.#paused) return;
    const { wal, tuning } = this.#options;
    const position = await this.#storeCheckpoint();
    if (position === undefined) return;
    this.#measure();
    // A standby that takes less than is written, for as long as it does, must not fill this disk. But while an image is on
    // its way as much may be written: were that gone when it is there, the next one would come too late as well.
    if (this.#options.retainFrom(0 as LogIndex) >= this.#tail.startOf(tuning.walRetainBytes))
      this.#imageBytes = 0;
    const heldBytesMax = tuning.walHeldBytesMax + this.#imageBytes;
    const peersFrom = this.#tail.startOf(heldBytesMax);
    const below = Math.min(
      position.index + 1,
      this.#options.retainFrom(peersFrom),
      this.#tail.startOf(tuning.walRetainBytes),
    );
    this.#tail.forget(heldBytesMax);
    if (below <= this.#removedBelow) return;
    this.#removedBelow = below as LogIndex;
    // The core first: what it has asked for by then is still there.
    this.#options.onHeadRemoved(this.#removedBelow);
    await wal.removeHead({ below: this.#removedBelow });
  }

  /** Undefined: the store could not; it has said itself what that means for the node. */
  async #storeCheckpoint(): Promise<Position | undefined> {
    try {
      return await this.#options.slot.store.checkpoint();
    } catch (error) {
      if (error instanceof HoldfastError || error instanceof DiskError) return undefined;
      throw error;
    }
  }
}
