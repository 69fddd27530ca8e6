import type { LogIndex, Position } from '@holdfast/types';
import type { EntryLocation, RemovedEntry } from './log-map.ts';

/**
 * Entries that the log no longer holds and nobody has judged yet: each may be the last copy of a write that
 * was acknowledged, so its segment stays.
 */
export class SupersededEntries {
  readonly #pending: Map<string, RemovedEntry> = new Map();

  add(entry: RemovedEntry): void {
    this.#pending.set(nameOf(entry), entry);
  }

  /** An entry that was superseded before it reached the disk has been written now. */
  written(index: LogIndex, location: EntryLocation): void {
    const name = nameOf({ index, term: location.term });
    if (this.#pending.has(name)) this.#pending.set(name, { index, ...location });
  }

  judged(position: Position): void {
    this.#pending.delete(nameOf(position));
  }

  /** By index, then term. */
  list(): RemovedEntry[] {
    return [...this.#pending.values()].sort((one, other) => one.index - other.index || one.term - other.term);
  }

  /** Infinity if nothing is pending. */
  lowestSegment(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { segment } of this.#pending.values()) if (segment !== 0) lowest = Math.min(lowest, segment);
    return lowest;
  }
}

function nameOf(position: Position): string {
  return `${position.term}.${position.index}`;
}
