import { LIMITS, type LogIndex, type WireError } from '@holdfast/types';
import type { FoundRange } from '../api.ts';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import { Fifo } from '../kernel/fifo.ts';
import { wireError } from '../kernel/wire-errors.ts';
import type { Overlay } from '../state/overlay.ts';
import type { ClearItem, FoundKeys } from './pending-write.ts';
import { RETRY_AFTER_MS } from './refusals.ts';

export interface ClearsParts {
  readonly applier: Applier;
  readonly overlay: Overlay;
  /** It need not be logged any more, and has been answered. */
  drop(item: ClearItem): boolean;
  /** Its keys are known: it takes its place in the queue. */
  queue(item: ClearItem): void;
  refuse(item: ClearItem, error: WireError): void;
}

/** Bytes of keys that wait for their turn: beyond this no more are looked for. */
const HELD_BYTES_MAX = 4 * LIMITS.clearKeyBytesMax;
const KEY_BYTES = 16;

/**
 * Clears whose keys are not known yet. The store says which keys of a range are old enough, one range at a time; only
 * then does the clear queue, so that no other write waits for that. Where it stands in the queue does not matter: what
 * was written since has a newer revision than it may delete, and what is newer than the store is in the overlay.
 */
export class Clears {
  readonly #context: Context;
  readonly #parts: ClearsParts;
  /** With the end of the log when each began to wait. */
  readonly #waiting = new Fifo<{ readonly item: ClearItem; readonly loggedBefore: LogIndex }>();
  #asked: { readonly id: number; readonly barrier: number; readonly item: ClearItem } | undefined;
  #heldBytes = 0;
  #bytes = 0;

  constructor(context: Context, parts: ClearsParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Those that are not in the queue. */
  get length(): number {
    return this.#waiting.length + (this.#asked === undefined ? 0 : 1);
  }

  /** Of those. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the keys that were found, and are not logged yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  begin(item: ClearItem): void {
    this.#bytes += item.bytes;
    this.#waiting.push({ item, loggedBefore: this.#context.log.last.index });
    this.pump();
  }

  /** Asks for the keys of the next one, if it may. */
  pump(): void {
    while (this.#asked === undefined && this.#heldBytes < HELD_BYTES_MAX) {
      const next = this.#waiting.peek();
      if (next === undefined) return;
      const { item } = next;
      if (this.#parts.drop(item)) {
        this.#bytes -= item.bytes;
        this.#waiting.shift();
        continue;
      }
      if (!this.#holdsStateOf(next)) return;
      this.#waiting.shift();
      const id = this.#context.newLoadId();
      this.#asked = { id, barrier: this.#parts.overlay.beginFetch(), item };
      const { clearKeysMax: keysMax } = this.#context.config.limits;
      const { clearKeyBytesMax: keyBytesMax, clearReadBytesMax: readBytesMax } = LIMITS;
      const range = item.request.clear;
      this.#context.emit({ kind: 'findOld', id, range, keysMax, keyBytesMax, readBytesMax });
    }
  }

  /** `found` undefined: the store could not be read. */
  found(id: number, found: FoundRange | undefined): void {
    const asked = this.#asked;
    if (asked?.id !== id) return;
    this.#asked = undefined;
    const { item, barrier } = asked;
    this.#bytes -= item.bytes;
    if (found === undefined) {
      this.#parts.overlay.endFetch(barrier);
      this.#parts.refuse(item, unreadable());
    } else {
      let bytes = 0;
      for (const key of found.keys) bytes += KEY_BYTES + key.byteLength;
      this.#heldBytes += bytes;
      this.#parts.queue({ ...item, bytes: item.bytes + bytes, found: { ...found, barrier, bytes } });
    }
    this.pump();
  }

  /** It is logged, or will not be. */
  release(found: FoundKeys): void {
    this.#heldBytes -= found.bytes;
    this.#parts.overlay.endFetch(found.barrier);
    this.pump();
  }

  /** The office ends. */
  drain(): ClearItem[] {
    const items = this.#waiting.drain().map(({ item }) => item);
    if (this.#asked !== undefined) items.unshift(this.#asked.item);
    this.#asked = undefined;
    return items;
  }

  /** A standby may have shown the state to the client before it is applied here. It was committed, so it is in the log. */
  #holdsStateOf(next: { readonly item: ClearItem; readonly loggedBefore: LogIndex }): boolean {
    const { item, loggedBefore } = next;
    const { appliedRevision, applied } = this.#parts.applier;
    return appliedRevision >= item.request.clear.upTo || applied.index >= loggedBefore;
  }
}

function unreadable(): WireError {
  return wireError('HOLDFAST_OVERLOADED', 'the store of the primary cannot be read at the moment', {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
