import { assert, type LogIndex, type Revision, type Term, type TermStart } from '@holdfast/types';

/** What became of a revision that somebody was told. */
export type RevisionVerdict = 'survived' | 'lost' | 'unknown';

/**
 * Where each term began, by applied opening entries: tells of any index which term holds it, and of any revision
 * whether it survived.
 *
 * A primary's opening entry takes the revision `revisionGap + 1` above the last in its log, and no primary hands
 * out more than `revisionGap` revisions above what it knows committed. So everything that the next term did not
 * inherit, and only that, lies within the gap below that term's first revision.
 */
export class History {
  /** By term; terms, indexes and revisions all grow. */
  readonly #starts: TermStart[];
  readonly #limits: { readonly historyTermsMax: number; readonly revisionGap: number };

  constructor(
    starts: readonly TermStart[],
    limits: { readonly historyTermsMax: number; readonly revisionGap: number },
  ) {
    this.#starts = [];
    this.#limits = limits;
    for (const start of starts) this.add(start);
  }

  /** Terms grow. A start already here, or older than any still here, changes nothing: replays bring them again. */
  add(start: TermStart): void {
    const newest = this.#starts[this.#starts.length - 1];
    if (newest !== undefined && start.term <= newest.term) {
      this.#assertKnown(start);
      return;
    }
    if (newest !== undefined) {
      assert(
        start.firstIndex > newest.firstIndex,
        `history: term ${start.term} begins before term ${newest.term}`,
      );
      assert(
        start.firstRevision > newest.firstRevision + this.#limits.revisionGap,
        `history: term ${start.term} leaves no gap of revisions`,
      );
    }
    this.#starts.push(start);
    if (this.#starts.length > this.#limits.historyTermsMax) this.#starts.shift();
  }

  starts(): readonly TermStart[] {
    return this.#starts.slice();
  }

  /** Term of the entry at `index`, if that is applied; undefined below what the history still covers. */
  termAt(index: LogIndex): Term | undefined {
    return this.#starts[this.#startsUntil((start) => start.firstIndex <= index) - 1]?.term;
  }

  /**
   * `unknown`: newer than anything the history can tell. What is older than its first term counts as survived:
   * ten thousand elections ago nobody's answer is still under way.
   */
  verdict(revision: Revision): RevisionVerdict {
    const next = this.#nextStart(revision);
    if (next !== undefined)
      return revision < next.firstRevision - this.#limits.revisionGap ? 'survived' : 'lost';
    const newest = this.#starts[this.#starts.length - 1];
    return revision <= (newest?.firstRevision ?? 0) ? 'survived' : 'unknown';
  }

  /** Newest surviving revision at or below a lost one; any other is its own answer. */
  newestSurvivor(revision: Revision): Revision {
    const next = this.#nextStart(revision);
    if (next === undefined) return revision;
    return Math.min(revision, next.firstRevision - this.#limits.revisionGap - 1) as Revision;
  }

  /** First term that began above `revision`. */
  #nextStart(revision: Revision): TermStart | undefined {
    return this.#starts[this.#startsUntil((start) => start.firstRevision <= revision)];
  }

  /** How many starts, from the oldest on, are within a bound that all later ones are beyond. */
  #startsUntil(within: (start: TermStart) => boolean): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (within(this.#starts[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #assertKnown(start: TermStart): void {
    const oldest = this.#starts[0]!;
    if (start.term < oldest.term) return;
    const known = this.#starts[this.#startsUntil((other) => other.term <= start.term) - 1]!;
    assert(
      known.term === start.term &&
        known.firstIndex === start.firstIndex &&
        known.firstRevision === start.firstRevision,
      `history: term ${start.term} begins twice`,
    );
  }
}
