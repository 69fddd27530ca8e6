import { type DueKey, keyText, type LogIndex } from '@holdfast/types';
import type { FoundKey } from '../api.ts';
import type { Context } from '../kernel/context.ts';
import type { Overlay } from '../state/overlay.ts';
import type { Admission } from './admission.ts';
import type { ExpireItem } from './pending-write.ts';

export interface ExpiriesParts {
  readonly admission: Admission;
  readonly overlay: Overlay;
}

/** While keys expire an entry is logged at least so often: a new primary counts on from the last one. Milliseconds. */
const LOG_TIME_MARK_MS = 5000;
const ITEM_BYTES = 64;

/**
 * Finds the keys whose time has come, and has their deletes logged. The store's index says which they may be; whether
 * one goes is decided like any write, in its turn and against the newest state: one that was renewed, or written
 * again, stays. Nothing but log time counts, which no clock that is set can move (G19).
 *
 * Every key that expires is in the index once the entry that says so is applied; before that it is remembered here.
 */
export class Expiries {
  readonly #context: Context;
  readonly #parts: ExpiriesParts;
  /** No key is due before, in log time. At first nobody knows, so that the store is asked once. */
  #nextAt = 0;
  /** The earliest expiry of each entry that the store may not show yet, oldest first. */
  #unapplied: { readonly index: LogIndex; expiresAt: number }[] = [];
  #asked: { readonly id: number; readonly barrier: number; newest: number } | undefined;
  /** Found, and not yet settled in the store: to ask again would find them again. Bytes in the queue. */
  #queuedBytes = 0;
  #settledBy: LogIndex | undefined;

  constructor(context: Context, parts: ExpiriesParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** In the queue of the primary. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** A key will expire, says an entry that was just made. */
  sealed(index: LogIndex, expiresAt: number): void {
    const last = this.#unapplied.at(-1);
    if (last?.index === index) last.expiresAt = Math.min(last.expiresAt, expiresAt);
    else this.#unapplied.push({ index, expiresAt });
    this.#nextAt = Math.min(this.#nextAt, expiresAt);
    if (this.#asked !== undefined) this.#asked.newest = Math.min(this.#asked.newest, expiresAt);
  }

  tick(logTime: number): void {
    const isBusy = this.#asked !== undefined || this.#queuedBytes > 0 || this.#settledBy !== undefined;
    if (isBusy || logTime < this.#nextAt || this.#parts.admission.diskFull) return;
    const id = this.#context.newLoadId();
    const placesMax = this.#context.config.limits.expiriesPerEntryMax;
    const barrier = this.#parts.overlay.beginFetch();
    this.#asked = { id, barrier, newest: this.#earliestUnapplied() };
    this.#context.emit({ kind: 'findDue', id, upTo: logTime, placesMax });
  }

  /** Somebody expires, and nothing was logged for long: a failover now would give all that time back. */
  needsMark(logTime: number): boolean {
    return Number.isFinite(this.#nextAt) && logTime - this.#context.log.lastLogTime >= LOG_TIME_MARK_MS;
  }

  found(id: number, due: readonly FoundKey[], next: number | undefined): void {
    const asked = this.#asked;
    if (asked?.id !== id) return;
    this.#asked = undefined;
    this.#nextAt = Math.min(next ?? Number.POSITIVE_INFINITY, asked.newest);
    if (due.length === 0) {
      this.#parts.overlay.endFetch(asked.barrier);
      return;
    }
    let bytes = ITEM_BYTES;
    for (const { key } of due) bytes += key.byteLength;
    this.#queuedBytes = bytes;
    this.#parts.admission.expire({ kind: 'expire', due, barrier: asked.barrier, bytes, waiters: [] });
  }

  /** What becomes of them, now that their turn has come: one synchronous step, as with every write. */
  settle({ due }: ExpireItem, index: LogIndex): DueKey[] {
    this.#queuedBytes = 0;
    this.#settledBy = index;
    return due.map(({ key, expiresAt, isCurrent }) => {
      const newer = this.#parts.overlay.get(keyText(key));
      const isDeleted = newer === undefined ? isCurrent : newer.expiresAt === expiresAt;
      return { key, expiresAt, isDeleted };
    });
  }

  onApplied(index: LogIndex): void {
    if (this.#unapplied.length > 0) this.#unapplied = this.#unapplied.filter((entry) => entry.index > index);
    if (this.#settledBy !== undefined && this.#settledBy <= index) this.#settledBy = undefined;
  }

  #earliestUnapplied(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { expiresAt } of this.#unapplied) earliest = Math.min(earliest, expiresAt);
    return earliest;
  }
}
