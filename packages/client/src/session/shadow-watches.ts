import { boundBytes, type Revision, type WatchedRange } from '@holdfast/types';
import { type LinkId, NO_LINK, type WatchCall, type WatchSink } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import { SMALL_BYTES } from './desk-options.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkTable } from './link-table.ts';

interface Shadowed {
  readonly range: WatchedRange;
  /** Where the watch itself lives, while it does. */
  home: LinkId;
  /** What was opened for it elsewhere. */
  readonly ids: Map<LinkId, number>;
  /** Nodes that refused, or ended theirs, are asked again then. */
  retryAt: number;
}

/** For a node to open one, milliseconds; and before it is asked again. */
const OPENING_MS = 1000;
const RETRY_MS = 1000;

/**
 * Beside each watch that wants to know what was there before, one of the same range at every other node that is linked, which
 * is never granted a byte. A node notes such values for those who watch, when it applies what replaces them: so that the watch
 * can go on at any of these nodes and still be told.
 */
export class ShadowWatches {
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #links: LinkTable;
  /** By who is told. */
  readonly #shadowed = new Map<WatchSink, Shadowed>();

  constructor(parts: {
    readonly ledger: CallLedger;
    readonly frames: FrameWriter;
    readonly links: LinkTable;
  }) {
    this.#ledger = parts.ledger;
    this.#frames = parts.frames;
    this.#links = parts.links;
  }

  /** The watch was opened there, for the first time or again. */
  opened({ previousValues, range, sink }: WatchCall, home: LinkId): void {
    if (!previousValues) return;
    let shadowed = this.#shadowed.get(sink);
    if (shadowed === undefined) {
      shadowed = { range, home, ids: new Map(), retryAt: 0 };
      this.#shadowed.set(sink, shadowed);
    }
    shadowed.home = home;
    // Not before now: what it made the node note is what the watch goes on with.
    this.#close(shadowed, home);
    this.#openMissing(shadowed);
  }

  /** The watch has come on. */
  told(sink: WatchSink, now: number): void {
    const shadowed = this.#shadowed.get(sink);
    if (shadowed === undefined || shadowed.ids.size + 1 >= this.#links.size || now < shadowed.retryAt) return;
    shadowed.retryAt = now + RETRY_MS;
    this.#openMissing(shadowed);
  }

  /** Nobody wants the watch any more. */
  over(sink: WatchSink): void {
    const shadowed = this.#shadowed.get(sink);
    if (shadowed === undefined) return;
    this.#shadowed.delete(sink);
    for (const link of [...shadowed.ids.keys()]) this.#close(shadowed, link);
  }

  linkUp(): void {
    for (const shadowed of this.#shadowed.values()) this.#openMissing(shadowed);
  }

  linkDown(link: LinkId): void {
    for (const shadowed of this.#shadowed.values()) {
      shadowed.ids.delete(link);
      if (shadowed.home === link) shadowed.home = NO_LINK;
    }
  }

  has(link: LinkId, id: number): boolean {
    return this.#find(link, id) !== undefined;
  }

  /** The node has refused or ended it. */
  ended(link: LinkId, id: number, now: number): void {
    const shadowed = this.#find(link, id);
    if (shadowed === undefined) return;
    shadowed.ids.delete(link);
    shadowed.retryAt = now + RETRY_MS;
  }

  #find(link: LinkId, id: number): Shadowed | undefined {
    for (const shadowed of this.#shadowed.values()) if (shadowed.ids.get(link) === id) return shadowed;
    return undefined;
  }

  #openMissing(shadowed: Shadowed): void {
    for (const link of this.#links.up) {
      if (link === shadowed.home || shadowed.ids.has(link)) continue;
      const id = this.#ledger.nextId();
      shadowed.ids.set(link, id);
      const state = { consistency: 'eventual', remainingMs: OPENING_MS, token: 0 as Revision } as const;
      const { range } = shadowed;
      const request = { kind: 'watchOpen', id, ...state, range, previousValues: true, credit: 0 } as const;
      this.#frames.add(link, request, SMALL_BYTES + boundBytes(range));
    }
  }

  #close(shadowed: Shadowed, link: LinkId): void {
    const id = shadowed.ids.get(link);
    if (id === undefined) return;
    shadowed.ids.delete(link);
    this.#frames.add(link, { kind: 'watchClose', watch: id }, SMALL_BYTES);
  }
}
