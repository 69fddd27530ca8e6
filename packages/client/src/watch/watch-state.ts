import { HoldfastError, type Revision } from '@holdfast/types';
import type { RangeCursor } from '../range-cursor.ts';
import type { Seams } from '../seams.ts';
import { Patience } from './patience.ts';

export interface WatchStateOptions {
  /** Reads the range from behind a stored key on, on a state of now. */
  read(behind: Uint8Array | undefined): RangeCursor;
  readonly seams: Pick<Seams, 'clock' | 'random'>;
}

/** Keys up to `last` were read at `revision`; undefined: all that are left. */
interface Part {
  readonly last: Uint8Array | undefined;
  readonly revision: Revision;
}

const PAGE_ENTRIES = 256;

/**
 * What a range holds when a watch begins. It comes from one snapshot, or from several if its node is lost: those keys
 * that were not told yet are then read from a newer one, and which mutations follow is decided key by key.
 */
export class WatchState {
  readonly #options: WatchStateOptions;
  readonly #patience: Patience;
  readonly #parts: Part[] = [];
  #cursor: RangeCursor | undefined;
  #last: Uint8Array | undefined;
  #isDone = false;
  #isClosed = false;

  constructor(options: WatchStateOptions) {
    this.#options = options;
    this.#patience = new Patience(options.seams);
  }

  /** The revision at which all of it holds, once all was read. */
  get revision(): Revision | undefined {
    return this.#isDone ? this.#parts.at(-1)?.revision : undefined;
  }

  /** It came from one snapshot. */
  get isOfOneMoment(): boolean {
    return this.#isDone && this.#parts.length === 1;
  }

  /** Stored keys and values in order; undefined: that was all. */
  async next(): Promise<[Uint8Array, Uint8Array][] | undefined> {
    for (let tries = 1; !this.#isDone && !this.#isClosed; tries += 1) {
      this.#cursor ??= this.#options.read(this.#last);
      try {
        const entries = await this.#cursor.take(PAGE_ENTRIES);
        if (entries.length > 0) {
          this.#last = entries.at(-1)![0];
          return entries;
        }
        this.#endPart(undefined);
        this.#isDone = true;
      } catch (error) {
        if (!(error instanceof HoldfastError) || !error.retryable) throw error;
        this.#endPart(this.#last);
        await this.#patience.rest(tries - 1);
      }
    }
    return undefined;
  }

  /** The mutation is in what was told of that key. */
  holds(key: Uint8Array, revision: Revision): boolean {
    const part = this.#parts.find(({ last }) => last === undefined || Buffer.compare(key, last) <= 0);
    return part !== undefined && revision <= part.revision;
  }

  close(): void {
    this.#isClosed = true;
    this.#cursor?.close();
    this.#patience.end();
  }

  #endPart(last: Uint8Array | undefined): void {
    const revision = this.#cursor?.revision;
    this.#cursor?.close();
    this.#cursor = undefined;
    if (revision !== undefined) this.#parts.push({ last, revision });
  }
}
