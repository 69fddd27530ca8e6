import { type Entry, type LogIndex, TransientMap } from '@holdfast/types';
import type { ReadableLog } from './log-search.ts';

/** Bytes read at once for a watch. */
const CHUNK_BYTES = 524_288;
/** Reads under way at a time; more wait in turn. */
const READS_MAX = 4;
/** Chunks kept for others that want the same. */
const KEPT_MAX = 8;

/** Reads stretches of the log for watches that are far behind: few at a time, and once for all that stand at one place. */
export class LogChunks {
  readonly #log: ReadableLog;
  /** By their first index, oldest first. */
  readonly #chunks = new TransientMap<LogIndex, Promise<readonly Entry[]>>();
  readonly #waiting: (() => void)[] = [];
  #reads = 0;

  constructor(log: ReadableLog) {
    this.#log = log;
  }

  /** From `from` on, as many as fit in a chunk, but one at least; none if it is gone. `to` is at or above `from`. */
  read(from: LogIndex, to: LogIndex): Promise<readonly Entry[]> {
    const kept = this.#chunks.get(from);
    if (kept !== undefined) return kept;
    const chunk = this.#read(from, to);
    this.#chunks.set(from, chunk);
    chunk.then(
      (entries) => {
        if (entries.length === 0) this.#forget(from, chunk);
      },
      () => this.#forget(from, chunk),
    );
    return chunk;
  }

  async #read(from: LogIndex, to: LogIndex): Promise<readonly Entry[]> {
    if (this.#reads >= READS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#reads += 1;
    try {
      return await this.#log.read({ from, to, bytesMax: CHUNK_BYTES });
    } finally {
      // Its place goes to who waits longest.
      const next = this.#waiting.shift();
      if (next === undefined) this.#reads -= 1;
      else next();
      this.#trim();
    }
  }

  /** Those still being read are the newest. */
  #trim(): void {
    const most = KEPT_MAX + this.#reads + this.#waiting.length;
    for (const from of this.#chunks.keys()) {
      if (this.#chunks.size <= most) return;
      this.#chunks.delete(from);
    }
  }

  #forget(from: LogIndex, chunk: Promise<readonly Entry[]>): void {
    if (this.#chunks.get(from) === chunk) this.#chunks.delete(from);
  }
}
