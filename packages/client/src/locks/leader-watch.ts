import { NOTHING, SourceIterator, type SourceIteratorParts } from '../watch/source-iterator.ts';
import type { SourceItem } from '../watch/watch-source.ts';
import type { Leader } from './election.ts';

/** Its source: of the key of the office, its state first. */
export interface LeaderWatchParts<V> extends SourceIteratorParts {
  leaderOf(value: Uint8Array): Leader<V> | undefined;
}

/** Who is elected, and each change of it: an async iterator. Renewals of one in office are no change. */
export class LeaderWatch<V> extends SourceIterator<Leader<V> | undefined> {
  readonly #leaderOf: LeaderWatchParts<V>['leaderOf'];
  /** The last that was told; null: none was yet. */
  #told: Leader<V> | undefined | null = null;
  /** As far as the state has been read. */
  #found: Leader<V> | undefined;

  constructor(parts: LeaderWatchParts<V>) {
    super(parts);
    this.#leaderOf = parts.leaderOf;
  }

  protected override tell(item: SourceItem): Leader<V> | undefined | typeof NOTHING {
    if (item.kind === 'mark' && !item.endsState) return NOTHING;
    if (item.kind === 'state') {
      this.#found = this.#leaderOf(item.value);
      return NOTHING;
    }
    if (item.kind !== 'mark') this.#found = item.value && this.#leaderOf(item.value);
    if (this.#told !== null && this.#told?.id === this.#found?.id) return NOTHING;
    this.#told = this.#found;
    return this.#found;
  }
}
