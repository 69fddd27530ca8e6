import {
  type Clock,
  type Disk,
  type DiskFile,
  HoldfastError,
  isDiskError,
  type Timer,
} from '@holdfast/types';
import { createZeroFile, fillWithZeros, type SegmentFiles } from './segment-files.ts';

export interface SegmentSupplyOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly files: SegmentFiles;
  readonly segmentBytes: number;
  /** The first number to give out. */
  readonly nextSegment: number;
  /** Once for each change. */
  onDiskFull(full: boolean): void;
  /** A disk that fails otherwise than by being full. */
  onFailure(error: Error): void;
}

/** A segment made ready: zeros, on stable storage, its name too. */
export interface FreshSegment {
  readonly number: number;
  readonly file: DiskFile;
  readonly bytes: number;
}

interface RoomWaiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

const RETRY_MS = 250;

/**
 * Makes the next segment before it is needed, and keeps one more in reserve: when the disk is full the reserve
 * becomes the next segment, or the room that a write lacks. Then it looks at the free space now and then until
 * both can be made again.
 */
export class SegmentSupply {
  readonly #options: SegmentSupplyOptions;
  #nextNumber: number;
  #next: FreshSegment | undefined;
  #reserve: boolean;
  #filling: Promise<void> | undefined;
  #full = false;
  #error: Error | undefined;
  #closing = false;
  #retry: Timer | undefined;
  /** Called when there is a next segment, or none will come. */
  #onNext: (() => void) | undefined;
  #roomWaiters: RoomWaiter[] = [];

  constructor(options: SegmentSupplyOptions, reserve: boolean) {
    this.#options = options;
    this.#nextNumber = options.nextSegment;
    this.#reserve = reserve;
  }

  /**
   * The first segment of a run, its head written and synced, and then the reserve: a log that was opened can
   * write. Throws DiskError ENOSPC and leaves no segment behind.
   */
  async begin(head: (segment: number) => Uint8Array): Promise<FreshSegment> {
    const { disk, files, segmentBytes } = this.#options;
    const number = this.#nextNumber++;
    const bytes = Math.max(segmentBytes, head(number).byteLength * 2);
    const path = files.segment(number);
    const file = await createZeroFile(disk, path, bytes);
    try {
      await file.write(0, head(number));
      await file.sync();
      // The reserve without a segment would say that segments were taken away.
      await disk.syncDirectory(files.directory);
      await this.#makeReserve();
    } catch (error) {
      await file.close();
      if (isDiskError(error, 'ENOSPC')) {
        await disk.syncDirectory(files.directory);
        await disk.remove(path);
      }
      throw error;
    }
    return { number, file, bytes };
  }

  /** Begins to make the next segment. */
  prepare(): void {
    this.#fill();
  }

  /** The next segment, of at least `bytes`. Waits while the disk is full; rejects when closed meanwhile. */
  async take(bytes: number): Promise<FreshSegment> {
    for (;;) {
      const next = this.#next;
      if (next === undefined) await this.#nextMade();
      else if (next.bytes < bytes) this.#next = await this.#extended(next, bytes);
      else {
        this.#next = undefined;
        this.#fill();
        return next;
      }
    }
  }

  /** After a write met ENOSPC: resolves when it is worth trying again; rejects when closed meanwhile. */
  async makeRoom(bytes: number): Promise<void> {
    this.#setFull(true);
    this.#retryLater();
    if (this.#reserve) {
      this.#reserve = false;
      if (await this.#isReserveRemoved()) return;
    }
    if (this.#closing) throw diskFull();
    await new Promise<void>((resolve, reject) => {
      this.#roomWaiters.push({ bytes, resolve, reject });
    });
  }

  /** From now on nobody waits for room: who does or would is refused. */
  stopWaiting(): void {
    this.#closing = true;
    this.#retry?.cancel();
    for (const waiter of this.#roomWaiters.splice(0)) waiter.reject(diskFull());
    if (this.#filling === undefined) this.#onNext?.();
  }

  async close(): Promise<void> {
    this.stopWaiting();
    await this.#filling;
    await this.#next?.file.close();
  }

  async #nextMade(): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    await new Promise<void>((resolve) => {
      this.#onNext = resolve;
      this.#fill();
    });
    this.#onNext = undefined;
    if (this.#error !== undefined) throw this.#error;
    if (this.#next === undefined && this.#closing) throw diskFull();
  }

  async #extended(next: FreshSegment, bytes: number): Promise<FreshSegment> {
    try {
      await fillWithZeros(next.file, bytes);
      return { ...next, bytes };
    } catch (error) {
      if (!isDiskError(error, 'ENOSPC')) throw error;
      await next.file.truncate(next.bytes);
      await this.makeRoom(bytes - next.bytes);
      return next;
    }
  }

  #fill(): void {
    if (this.#filling !== undefined || this.#error !== undefined) return;
    this.#filling = this.#makeMissing().then((complete) => {
      this.#filling = undefined;
      if (complete && this.#isMissing()) this.#fill();
      else if (this.#closing || this.#error !== undefined) this.#onNext?.();
    });
  }

  /** Once closing, only what somebody waits for is made. */
  #isMissing(): boolean {
    if (this.#closing) return this.#next === undefined && this.#onNext !== undefined;
    return this.#next === undefined || !this.#reserve;
  }

  /** False: given up for now, or for good. */
  async #makeMissing(): Promise<boolean> {
    try {
      while (this.#isMissing()) {
        if (this.#next === undefined) await this.#makeNext();
        else await this.#makeReserve();
      }
      if (this.#reserve && !this.#closing) this.#setFull(false);
      return true;
    } catch (error) {
      if (!isDiskError(error, 'ENOSPC')) {
        this.#fail(error as Error);
        return false;
      }
      this.#setFull(true);
      this.#retryLater();
      return false;
    }
  }

  async #makeNext(): Promise<void> {
    const { disk, files } = this.#options;
    const number = this.#nextNumber;
    const path = files.segment(number);
    const { file, bytes } = await this.#makeSegment(path);
    try {
      await disk.syncDirectory(files.directory);
    } catch (error) {
      // The next try makes it anew, under the same name.
      await file.close();
      await disk.remove(path);
      throw error;
    }
    this.#nextNumber = number + 1;
    this.#next = { number, file, bytes };
    this.#onNext?.();
  }

  async #makeSegment(path: string): Promise<{ file: DiskFile; bytes: number }> {
    const { disk, files, segmentBytes } = this.#options;
    try {
      return { file: await createZeroFile(disk, path, segmentBytes), bytes: segmentBytes };
    } catch (error) {
      if (!isDiskError(error, 'ENOSPC') || !this.#reserve) throw error;
    }
    this.#setFull(true);
    this.#reserve = false;
    await disk.rename(files.reserve, path);
    const file = await disk.open(path, {});
    return { file, bytes: await file.size() };
  }

  async #makeReserve(): Promise<void> {
    const { disk, files, segmentBytes } = this.#options;
    const stat = await disk.stat(files.reserve);
    if (stat !== undefined && stat.size < segmentBytes) await disk.remove(files.reserve);
    if (stat === undefined || stat.size < segmentBytes) {
      const file = await createZeroFile(disk, files.reserve, segmentBytes);
      await file.close();
      await disk.syncDirectory(files.directory);
    }
    this.#reserve = true;
  }

  /** False: where nothing is written in place there may be no room for that either (btrfs, ZFS). */
  async #isReserveRemoved(): Promise<boolean> {
    try {
      await this.#options.disk.remove(this.#options.files.reserve);
      return true;
    } catch (error) {
      if (!isDiskError(error, 'ENOSPC')) throw error;
      return false;
    }
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#retry?.cancel();
    this.#options.onFailure(error);
    for (const waiter of this.#roomWaiters.splice(0)) waiter.reject(error);
  }

  #setFull(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    this.#options.onDiskFull(full);
  }

  #retryLater(): void {
    this.#retry?.cancel();
    if (this.#closing) return;
    this.#retry = this.#options.clock.setTimer(RETRY_MS, () => void this.#tryAgain(), { background: true });
  }

  /** Whoever holds up the log comes before the next segment and the reserve. */
  async #tryAgain(): Promise<void> {
    try {
      const free = await this.#options.disk.freeBytes(this.#options.files.directory);
      const [waiter] = this.#roomWaiters;
      if (waiter !== undefined && free >= waiter.bytes) this.#roomWaiters.shift()?.resolve();
      if (waiter === undefined && free >= this.#options.segmentBytes) this.#fill();
      else this.#retryLater();
    } catch (error) {
      this.#fail(error as Error);
    }
  }
}

function diskFull(): HoldfastError {
  return new HoldfastError('HOLDFAST_DISK_FULL', 'the log was closed while it waited for room on the disk');
}
