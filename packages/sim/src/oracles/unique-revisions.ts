import type { Effect } from '@holdfast/core';
import { type Entry, revisionCount } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

const NAME = 'unique revisions';

/**
 * A revision names one mutation of one entry in all logs there ever were, lost ones too (G13). An opening entry takes
 * one as well, and names nothing by it: a candidate that was frozen over the election of another may log one like it.
 */
export class UniqueRevisions {
  readonly #named = new Map<number, string>();
  /** By position: the first revision of an entry that was logged. */
  readonly #entries = new Map<string, number>();

  onEffect({ node }: Boot, effect: Effect): void {
    if (effect.kind !== 'persist') return;
    const { record } = effect.order;
    if (record.kind === 'entries') for (const entry of record.entries) this.#logged(node, entry);
  }

  #logged(node: string, entry: Entry): void {
    const position = `${entry.index}@${entry.term}`;
    const known = this.#entries.get(position);
    if (known !== undefined) {
      if (known !== entry.firstRevision)
        throw new SafetyViolation(
          NAME,
          `${node} logs ${position} from revision ${entry.firstRevision} on, elsewhere it is ${known}`,
        );
      return;
    }
    this.#entries.set(position, entry.firstRevision);
    if (entry.body.kind !== 'requests') return;
    const count = revisionCount(entry);
    for (let place = 0; place < count; place += 1) {
      const revision = entry.firstRevision + place;
      const before = this.#named.get(revision);
      if (before !== undefined)
        throw new SafetyViolation(NAME, `revision ${revision} names ${before} and ${position}/${place}`);
      this.#named.set(revision, `${position}/${place}`);
    }
  }
}
