import { keyText, type StoredRecord, type WireError } from '@holdfast/types';
import type { ProposedWrite } from '../api.ts';
import type { Context } from '../kernel/context.ts';
import { wireError } from '../kernel/wire-errors.ts';
import { keysToFetch, keysToLookAt } from '../state/evaluator.ts';
import type { Overlay } from '../state/overlay.ts';
import type { Prefetch, WriteItem } from './pending-write.ts';
import { queueFull } from './refusals.ts';

/** What is read of the store for requests that wait, before they are evaluated: one look for all of a frame. */
export class Prefetches {
  readonly #context: Context;
  readonly #overlay: Overlay;
  readonly #underWay = new Map<number, Prefetch>();
  #nextId = 1;
  /** Of the values that are held. */
  #bytes = 0;

  constructor(context: Context, overlay: Overlay) {
    this.#context = context;
    this.#overlay = overlay;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Not all that was asked for is here. */
  get isUnderWay(): boolean {
    return this.#underWay.size > 0;
  }

  static isNeededBy(request: ProposedWrite): boolean {
    return keysToFetch(request).length > 0 || keysToLookAt(request).length > 0;
  }

  /** Undefined: they need nothing. What is in the overlay is looked up when they are evaluated. */
  begin(requests: readonly ProposedWrite[]): Prefetch | undefined {
    const keys = new Map<string, Uint8Array>();
    let users = 0;
    for (const request of requests) {
      if (!Prefetches.isNeededBy(request)) continue;
      users++;
      for (const key of keysToFetch(request)) keys.set(keyText(key), key);
    }
    if (users === 0) return undefined;
    // Behind all that somebody cannot do without: their values must not take its room.
    for (const request of requests)
      for (const key of keysToLookAt(request)) if (!keys.has(keyText(key))) keys.set(keyText(key), key);
    const prefetch: Prefetch = {
      id: this.#nextId++,
      barrier: this.#overlay.beginFetch(),
      keys,
      records: undefined,
      isShort: false,
      bytes: 0,
      users,
    };
    this.#underWay.set(prefetch.id, prefetch);
    const bytesMax = this.#context.config.limits.admitQueueBytesMax;
    this.#context.emit({ kind: 'fetch', id: prefetch.id, keys: [...keys.values()], bytesMax });
    return prefetch;
  }

  fetched(id: number, records: readonly (StoredRecord | undefined)[]): void {
    const prefetch = this.#underWay.get(id);
    if (prefetch === undefined) return;
    this.#underWay.delete(id);
    const found = new Map<string, StoredRecord | undefined>();
    for (const key of prefetch.keys.keys()) {
      if (found.size === records.length) break;
      const record = records[found.size];
      found.set(key, record);
      prefetch.bytes += record?.value.byteLength ?? 0;
    }
    prefetch.records = found;
    prefetch.isShort = found.size < prefetch.keys.size;
    this.#bytes += prefetch.bytes;
    this.#endIfUnused(prefetch);
  }

  /** One of its users is done with it. */
  release(prefetch: Prefetch): void {
    prefetch.users--;
    this.#endIfUnused(prefetch);
  }

  /** Not all that it depends on was read, because the values of its frame are too long: nothing of it may be decided. */
  whyUnread({ request }: WriteItem, { records }: Prefetch): WireError | undefined {
    const keys = new Set(keysToFetch(request).map(keyText));
    let bytes = 0;
    let isWhole = true;
    for (const key of keys) {
      isWhole &&= records!.has(key);
      bytes += records!.get(key)?.value.byteLength ?? 0;
    }
    if (isWhole) return undefined;
    // Alone it would fare no better; what only came behind others is read the next time.
    if (bytes > this.#context.config.limits.admitQueueBytesMax)
      return wireError('HOLDFAST_REQUEST_TOO_LARGE', 'the values that the write depends on are too long');
    return queueFull();
  }

  #endIfUnused(prefetch: Prefetch): void {
    if (prefetch.users > 0 || prefetch.records === undefined) return;
    this.#bytes -= prefetch.bytes;
    this.#overlay.endFetch(prefetch.barrier);
  }
}
