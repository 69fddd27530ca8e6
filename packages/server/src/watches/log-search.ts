import {
  HoldfastError,
  type LogIndex,
  lastRevisionOf,
  REVISION_GAP,
  type Revision,
  TransientMap,
} from '@holdfast/types';
import type { Wal } from '@holdfast/wal';

/** What of a log is needed to find one's way in it. */
export type ReadableLog = Pick<Wal, 'read' | 'first' | 'heldFrom'>;

/** The newest applied entry, and the newest revision that is applied with it. */
export interface LogHead {
  readonly index: LogIndex;
  readonly revision: Revision;
}

/** What an entry says of where it stands. Never changes for one that is applied. */
interface Place {
  readonly isOpening: boolean;
  readonly firstRevision: Revision;
  readonly lastRevision: Revision;
}

const PLACES_MAX = 4096;

/** Finds the place of a revision in the applied part of a log, which has no index by revision. */
export class LogSearch {
  readonly #log: ReadableLog;
  readonly #places = new TransientMap<LogIndex, Place>();

  constructor(log: ReadableLog) {
    this.#log = log;
  }

  /**
   * The first entry that holds anything after `revision`; one above the head if none does. Entries without mutations
   * may be gone: nothing is missed with them. Rejects with HOLDFAST_REVISION_COMPACTED if some of it is gone.
   */
  async find(revision: Revision, head: LogHead): Promise<LogIndex> {
    for (let first = this.#log.first; ; first = this.#log.heldFrom(head.index)) {
      if (first > head.index && revision < head.revision) throw compacted(revision, head.revision);
      if (first > head.index) return (head.index + 1) as LogIndex;
      const found = await this.#bisect(revision, first, head.index);
      if (found === undefined) continue;
      if (found > first || first === 1) return found;
      const oldest = await this.#oldestPosition(first);
      if (oldest === undefined) continue;
      if (revision >= oldest) return found;
      throw compacted(revision, oldest);
    }
  }

  /** Undefined: an entry was not there any more. */
  async #bisect(revision: Revision, first: LogIndex, last: LogIndex): Promise<LogIndex | undefined> {
    let low = first as number;
    let high = last + 1;
    while (low < high) {
      const middle = roundest(low, high - 1) as LogIndex;
      const place = await this.#placeOf(middle);
      if (place === undefined) return undefined;
      if (place.lastRevision > revision) high = middle;
      else low = middle + 1;
    }
    return low as LogIndex;
  }

  /** The oldest revision after which nothing is missing. No mutation has a revision in the gap below an opening entry. */
  async #oldestPosition(first: LogIndex): Promise<Revision | undefined> {
    const place = await this.#placeOf(first);
    if (place === undefined) return undefined;
    const below = place.firstRevision - 1;
    return (place.isOpening ? Math.max(0, below - REVISION_GAP) : below) as Revision;
  }

  async #placeOf(index: LogIndex): Promise<Place | undefined> {
    const known = this.#places.get(index);
    if (known !== undefined) return known;
    const [entry] = await this.#log.read({ from: index, to: index, bytesMax: 1 });
    if (entry === undefined) return undefined;
    if (this.#places.size >= PLACES_MAX) this.#places.clear();
    const place = {
      isOpening: entry.body.kind === 'opening',
      firstRevision: entry.firstRevision,
      lastRevision: lastRevisionOf(entry),
    };
    this.#places.set(index, place);
    return place;
  }
}

/**
 * The number between the two that has most zeros at its end. Searches of many watches, begun at different lengths of
 * the log, so ask for the same entries.
 */
function roundest(low: number, high: number): number {
  let step = 1;
  while (Math.ceil(low / (step * 2)) * (step * 2) <= high) step *= 2;
  return Math.ceil(low / step) * step;
}

function compacted(revision: Revision, oldest: Revision): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_REVISION_COMPACTED',
    `what came after revision ${revision} is not in this node's log any more; the oldest to go on from is ${oldest}`,
    { detail: oldest },
  );
}
