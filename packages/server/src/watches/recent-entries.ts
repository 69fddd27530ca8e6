import { type Entry, entryBytes, type LogIndex } from '@holdfast/types';
import type { PreviousValues } from './previous-values.ts';

export interface RecentEntry {
  readonly entry: Entry;
  /** What the keys that were asked about held before; absent: nobody asked. */
  readonly previous: PreviousValues | undefined;
}

/** The newest applied entries, for watches that are a little behind: bounded in bytes, without a gap. */
export class RecentEntries {
  readonly #bytesMax: number;
  #entries: RecentEntry[] = [];
  #first: LogIndex = 1 as LogIndex;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Empty; the next entry has that index. */
  reset(next: LogIndex): void {
    this.#entries = [];
    this.#first = next;
    this.#bytes = 0;
  }

  push(entries: readonly Entry[], previous: PreviousValues | undefined): void {
    for (const entry of entries) {
      this.#entries.push({ entry, previous });
      this.#bytes += entryBytes(entry);
    }
    // Of the batch as a whole: it goes with its last entry.
    this.#bytes += previous?.bytes ?? 0;
    if (this.#bytes > this.#bytesMax) this.#evict();
  }

  at(index: LogIndex): RecentEntry | undefined {
    return this.#entries[index - this.#first];
  }

  /** A quarter more than needed: what is moved each time is a lot. */
  #evict(): void {
    let count = 0;
    while (count < this.#entries.length && this.#bytes > this.#bytesMax * 0.75) {
      const { entry, previous } = this.#entries[count]!;
      count += 1;
      this.#bytes -= entryBytes(entry);
      if (previous !== undefined && this.#entries[count]?.previous !== previous)
        this.#bytes -= previous.bytes;
    }
    this.#entries.splice(0, count);
    this.#first = (this.#first + count) as LogIndex;
  }
}
