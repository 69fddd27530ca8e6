import type { Effect } from '@holdfast/core';
import type { Entry } from '@holdfast/types';
import { changesOf } from './winning-log.ts';

/** Of all mutations that gave a key a value. */
export interface ValueRevisions {
  readonly oldest: number;
  readonly newest: number;
}

/**
 * All values that any node has logged, in whatever log: what a read tells without a revision has one of those in which its
 * value was logged. There are several where a call was logged again after a failover, or a key was renewed.
 */
export class LoggedValues {
  readonly #entries = new Set<string>();
  readonly #values = new Map<string, Map<string, ValueRevisions>>();
  readonly #deletes = new Map<string, number>();

  onEffect(effect: Effect): void {
    if (effect.kind !== 'persist') return;
    const { record } = effect.order;
    if (record.kind === 'entries') for (const entry of record.entries) this.#logged(entry);
  }

  /** Undefined: nobody has logged it. */
  revisionsOf(key: string, value: string): ValueRevisions | undefined {
    return this.#values.get(key)?.get(value);
  }

  /** 0: none was logged. */
  newestDelete(key: string): number {
    return this.#deletes.get(key) ?? 0;
  }

  #logged(entry: Entry): void {
    const position = `${entry.index}@${entry.term}`;
    if (this.#entries.has(position)) return;
    this.#entries.add(position);
    for (const { key, value, revision } of changesOf(entry))
      if (value === undefined) this.#deletes.set(key, Math.max(this.newestDelete(key), revision));
      else this.#valueLogged(key, value, revision);
  }

  #valueLogged(key: string, value: string, revision: number): void {
    const ofKey = this.#values.get(key) ?? new Map<string, ValueRevisions>();
    this.#values.set(key, ofKey);
    const { oldest, newest } = ofKey.get(value) ?? { oldest: revision, newest: revision };
    ofKey.set(value, { oldest: Math.min(oldest, revision), newest: Math.max(newest, revision) });
  }
}
