import { type Condition, HoldfastError, type Operation, type Revision } from '@holdfast/types';
import { isSnapshotLost, type RangeCursor } from './range-cursor.ts';

/** Keys deleted by one write. */
const CHUNK_KEYS = 1000;
/** By one that first looks at each key: the primary reads them all, values too. */
const CAREFUL_CHUNK_KEYS = 64;
/** How often it begins again without having come any further. */
const RESUMES_MAX = 8;

export interface RangeClearOptions {
  /** The state of when it was asked for. */
  readonly cursor: RangeCursor;
  /** -1: no limit. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  /**
   * What is left of the range behind a key, in the newest state. Undefined: nothing but the state at hand will do, so
   * that its loss ends the clear.
   */
  readonly reopen: ((behind: Uint8Array | undefined) => RangeCursor) | undefined;
  write(operations: readonly Operation[], conditions: readonly Condition[] | undefined): Promise<unknown>;
}

/**
 * Deletes a range chunk by chunk, each as a write of its own. If the node is lost that holds the state of when it was
 * asked for, it goes on in a newer one, and deletes there only what is not newer than that state: what was written since
 * stays.
 */
export class RangeClear {
  readonly #options: RangeClearOptions;
  #cursor: RangeCursor;
  /** Of the state of when it was asked for. */
  #asOf: Revision | undefined;
  /** It reads a newer state. */
  #isResumed = false;
  #resumes = 0;
  /** The last key that is done. */
  #behind: Uint8Array | undefined;

  constructor(options: RangeClearOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
  }

  async run(): Promise<void> {
    let left = this.#options.limit < 0 ? Number.POSITIVE_INFINITY : this.#options.limit;
    try {
      while (left > 0) {
        const keys = await this.#take(left);
        const last = keys.at(-1);
        if (last === undefined) return;
        if (this.#isResumed) await this.#deleteOld(keys);
        else await this.#options.write(keys.map(deletionOf), undefined);
        left -= keys.length;
        this.#behind = last;
        this.#resumes = 0;
      }
    } finally {
      this.#cursor.close();
    }
  }

  /** None: the range is at its end. */
  async #take(left: number): Promise<Uint8Array[]> {
    for (;;) {
      try {
        const size = Math.min(this.#isResumed ? CAREFUL_CHUNK_KEYS : CHUNK_KEYS, left);
        const entries = await this.#cursor.take(size, this.#options.signal);
        this.#asOf ??= this.#cursor.revision;
        return entries.map(([key]) => key);
      } catch (error) {
        this.#resume(error);
      }
    }
  }

  #resume(error: unknown): void {
    const { reopen } = this.#options;
    const isOver = reopen === undefined || this.#asOf === undefined || this.#resumes >= RESUMES_MAX;
    if (isOver || !isSnapshotLost(error)) throw error;
    this.#resumes += 1;
    this.#isResumed = true;
    this.#cursor.close();
    this.#cursor = reopen(this.#behind);
  }

  /** All together, or in halves if one of them must stay, or if they are too much to be looked at together. */
  async #deleteOld(keys: readonly Uint8Array[]): Promise<void> {
    const revision = this.#asOf as Revision;
    try {
      await this.#options.write(
        keys.map(deletionOf),
        keys.map((key) => ({ kind: 'atMost', key, revision })),
      );
    } catch (error) {
      if (!isToBeSplit(error)) throw error;
      // It was written since.
      if (keys.length === 1) return;
      const half = keys.length >> 1;
      await this.#deleteOld(keys.slice(0, half));
      await this.#deleteOld(keys.slice(half));
    }
  }
}

function deletionOf(key: Uint8Array): Operation {
  return { kind: 'del', key };
}

function isToBeSplit(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  return error.code === 'HOLDFAST_CONFLICT' || error.code === 'HOLDFAST_REQUEST_TOO_LARGE';
}
