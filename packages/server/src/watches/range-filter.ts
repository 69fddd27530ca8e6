import {
  type Entry,
  forEachMutation,
  type Mutation,
  type Revision,
  TransientMap,
  type WatchedRange,
} from '@holdfast/types';

/** A mutation in a watched range. */
export interface Match {
  readonly mutation: Mutation;
  readonly revision: Revision;
  /** The last of its request in that range. */
  readonly endsWrite: boolean;
}

/** What one range holds of each entry. Watches of the same range share it, so that an entry is looked through once. */
export class RangeFilter {
  readonly #range: WatchedRange;
  /** Of entries that somebody still holds. */
  readonly #found = new WeakMap<Entry, readonly Match[]>();
  users = 0;

  constructor(range: WatchedRange) {
    this.#range = range;
  }

  holds(key: Uint8Array): boolean {
    const { gt, gte, lt, lte } = this.#range;
    if (gte !== undefined ? Buffer.compare(key, gte) < 0 : gt !== undefined && Buffer.compare(key, gt) <= 0)
      return false;
    return lte !== undefined
      ? Buffer.compare(key, lte) <= 0
      : lt === undefined || Buffer.compare(key, lt) < 0;
  }

  matchesOf(entry: Entry): readonly Match[] {
    let matches = this.#found.get(entry);
    if (matches === undefined) {
      matches = this.#look(entry);
      this.#found.set(entry, matches);
    }
    return matches;
  }

  #look(entry: Entry): Match[] {
    const matches: Match[] = [];
    /** The last match of the request under way. */
    let last: Omit<Match, 'endsWrite'> | undefined;
    forEachMutation(entry, (mutation, revision, endsRequest) => {
      if (this.holds(mutation.key)) {
        if (last !== undefined) matches.push({ ...last, endsWrite: false });
        last = { mutation, revision };
      }
      if (!endsRequest || last === undefined) return;
      matches.push({ ...last, endsWrite: true });
      last = undefined;
    });
    return matches;
  }
}

/** The filters in use, by their bounds. */
export class RangeFilters {
  readonly #filters = new TransientMap<string, RangeFilter>();

  /** To be given back with `leave`. */
  join(range: WatchedRange): RangeFilter {
    const name = nameOf(range);
    let filter = this.#filters.get(name);
    if (filter === undefined) {
      filter = new RangeFilter(range);
      this.#filters.set(name, filter);
    }
    filter.users += 1;
    return filter;
  }

  leave(range: WatchedRange, filter: RangeFilter): void {
    filter.users -= 1;
    if (filter.users === 0) this.#filters.delete(nameOf(range));
  }
}

function nameOf({ gt, gte, lt, lte }: WatchedRange): string {
  return [gt, gte, lt, lte]
    .map((bound) => (bound === undefined ? '-' : Buffer.from(bound).toString('hex')))
    .join(' ');
}
