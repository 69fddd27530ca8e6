import { assert, keyText, type Revision } from '@holdfast/types';

/** A key that goes with a lease. */
export interface LeaseKey {
  /** As the cluster stores it. */
  readonly stored: Uint8Array;
  /** As its owner has it. */
  readonly own: unknown;
  /** Of key and value. */
  readonly bytes: number;
}

/** What one attempt does to one key, if it is carried out. */
export interface LeaseChange {
  /** put: it is the lease's from then on. renew: it lives on. del and persist: it is the lease's no more. */
  readonly kind: 'put' | 'renew' | 'del' | 'persist';
  readonly key: LeaseKey;
}

export interface LeaseEntry {
  readonly key: LeaseKey;
  /** That the lease gave it: whoever else writes it gives it another. */
  readonly revision: Revision;
}

/**
 * Which keys are a lease's own, by their revisions. Each attempt to change something first writes the lease's anchor, a key
 * with the number of the attempt, and only if the anchor has the revision that the last attempt known to be carried out gave
 * it. So one that follows one of unknown outcome is either carried out, and the other never will be; or it finds the other's
 * number in the anchor, whose revision tells all that the other gave.
 */
export class LeaseBook {
  readonly #entries = new Map<string, LeaseEntry>();
  #anchor = 0 as Revision;
  #bytes = 0;
  /** The newest known to be carried out, and the newest begun. */
  #applied = 0;
  #begun = 0;
  /** The last that was to change keys, until it is known what became of it. */
  #open: { readonly attempt: number; readonly changes: readonly LeaseChange[] } | undefined;
  #isUnsure = false;

  /** Of the anchor, as far as is known; 0: there is none. */
  get anchor(): Revision {
    return this.#anchor;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Of all keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  get entries(): readonly LeaseEntry[] {
    return [...this.#entries.values()];
  }

  entry(stored: Uint8Array): LeaseEntry | undefined {
    return this.#entries.get(keyText(stored));
  }

  /** It is not known what became of an attempt: before keys are changed again, one without changes must tell. */
  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /** The number of a new attempt. What it changes is remembered until that is known to be so or not. */
  begin(changes: readonly LeaseChange[]): number {
    assert(
      changes.length === 0 || !this.#isUnsure,
      'lease: keys are changed while it is not known what they are',
    );
    this.#begun += 1;
    if (changes.length > 0) this.#open = { attempt: this.#begun, changes };
    return this.#begun;
  }

  /** The anchor has this attempt's number, and this revision. False: no attempt that is not known has it. */
  onApplied(attempt: number, anchor: Revision): boolean {
    if (attempt <= this.#applied || attempt > this.#begun || anchor <= this.#anchor) return false;
    const changes = this.#open?.attempt === attempt ? this.#open.changes : [];
    this.#applied = attempt;
    this.#anchor = anchor;
    this.#settle();
    // The steps of a transaction have one revision each, in their order; the anchor is its first.
    for (const [place, change] of changes.entries()) this.#change(change, (anchor + 1 + place) as Revision);
    return true;
  }

  /** It was not carried out, and never will be. */
  onNotApplied(attempt: number): void {
    if (this.#open?.attempt === attempt) this.#open = undefined;
  }

  onUnknown(): void {
    this.#isUnsure = true;
  }

  /** It is another's, or gone. */
  detach(stored: Uint8Array): void {
    const text = keyText(stored);
    this.#bytes -= this.#entries.get(text)?.key.bytes ?? 0;
    this.#entries.delete(text);
  }

  #settle(): void {
    this.#open = undefined;
    this.#isUnsure = false;
  }

  #change({ kind, key }: LeaseChange, revision: Revision): void {
    this.detach(key.stored);
    if (kind === 'del' || kind === 'persist') return;
    this.#entries.set(keyText(key.stored), { key, revision });
    this.#bytes += key.bytes;
  }
}
