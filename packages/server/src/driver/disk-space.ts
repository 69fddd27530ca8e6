import type { Store } from '@holdfast/store';
import type { Clock, Disk, Timer } from '@holdfast/types';

export interface DiskSpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly checkMs: number;
  /** Space that must be free before the store is opened again: it then writes what waited. */
  readonly reopenBytesMin: number;
  /** As the log found it when it was opened. */
  readonly logIsFull: boolean;
  store(): Store;
  /** True while log or store have no room; said once per change. */
  onChange(full: boolean): void;
  /** The store could not be read for a while, and now can. */
  onReopened(): void;
}

/** Knows whether log, store and divergence file have room, and brings the store back when there is room again. */
export class DiskSpace {
  readonly #options: DiskSpaceOptions;
  #logIsFull: boolean;
  #storeIsFull = false;
  #fileIsFull = false;
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;
  #reopening: Promise<void> | undefined;
  #check: Timer | undefined;
  #stopped = false;

  constructor(options: DiskSpaceOptions) {
    this.#options = options;
    this.#logIsFull = options.logIsFull;
  }

  get isFull(): boolean {
    return this.#logIsFull || this.#storeIsFull || this.#fileIsFull;
  }

  /** The store is closed for a moment: nothing may be read from it. */
  get isReopening(): boolean {
    return this.#reopening !== undefined;
  }

  /** The log looks for space by itself and says so. */
  logIsFull(full: boolean): void {
    this.#change(() => {
      this.#logIsFull = full;
    });
  }

  storeIsFull(): void {
    this.#change(() => {
      this.#storeIsFull = true;
    });
    this.#checkLater();
  }

  /** The store was opened again, or another took its place. */
  storeHasRoom(): void {
    this.#check?.cancel();
    this.#change(() => {
      this.#storeIsFull = false;
    });
  }

  /** The divergence file found no room. Resolves when it is worth another try, or when this stops; one call at a time. */
  async fileIsFull(): Promise<void> {
    this.#change(() => {
      this.#fileIsFull = true;
    });
    do await this.#wait();
    while (!this.#stopped && !(await this.#hasRoom()));
    this.#change(() => {
      this.#fileIsFull = false;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#check?.cancel();
    this.#pause?.timer.cancel();
    this.#pause?.end();
    await this.#reopening;
  }

  #change(change: () => void): void {
    const before = this.isFull;
    change();
    if (this.isFull !== before && !this.#stopped) this.#options.onChange(this.isFull);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve();
      const timer = this.#options.clock.setTimer(this.#options.checkMs, resolve, { background: true });
      this.#pause = { timer, end: resolve };
    });
  }

  async #hasRoom(): Promise<boolean> {
    const { disk, directory, reopenBytesMin } = this.#options;
    try {
      return (await disk.freeBytes(directory)) >= reopenBytesMin;
    } catch {
      return false;
    }
  }

  #checkLater(): void {
    this.#check?.cancel();
    if (this.#stopped) return;
    this.#check = this.#options.clock.setTimer(this.#options.checkMs, () => this.#tryReopen(), {
      background: true,
    });
  }

  #tryReopen(): void {
    this.#reopening ??= this.#reopenIfRoom().finally(() => {
      this.#reopening = undefined;
      if (!this.#stopped) this.#options.onReopened();
    });
  }

  async #reopenIfRoom(): Promise<void> {
    try {
      if (!(await this.#hasRoom())) throw new Error('not yet');
      // Another may have taken its place meanwhile, which needs no opening and has readers that would lose theirs.
      if (!this.#storeIsFull) return;
      await this.#options.store().reopen();
    } catch {
      // Still no room, or gone again at once: the node goes on as it is and looks again.
      if (this.#storeIsFull) this.#checkLater();
      return;
    }
    this.storeHasRoom();
  }
}
