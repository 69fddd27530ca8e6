import { assert, HoldfastError, type KeyRange, type Revision } from '@holdfast/types';
import { aborted } from './aborted.ts';
import { asBuffer } from './bytes.ts';
import type { KeySpace } from './keys/key-space.ts';
import { type LinkId, type Page, PageCall } from './session/call.ts';
import type { Tenant } from './tenant.ts';
import { checkedBounds } from './write-request.ts';

export interface RangeRead {
  /** Of stored keys. */
  readonly range: KeyRange;
  /** For each page. */
  readonly timeoutMs: number;
  /** Begins to read, on a snapshot of its own or one that is held. */
  open(range: KeyRange, pageSize: number): RangeOpening;
}

export interface RangeOpening {
  readonly firstPage: Promise<Page>;
  /** Does nothing once the first page is here. */
  cancel(): void;
  /** Nothing was handed out, and the snapshot is lost: whether another can show the same. */
  mayRepeat(): boolean;
}

/** Entries in the first page, which comes with the opening, and in later ones. */
const FIRST_PAGE_SIZE = 256;
const PAGE_SIZE_MAX = 1024;
/** How often one read begins again; a node that loses every snapshot at once is not worth more. */
const RESTARTS_MAX = 8;

/**
 * A range read page by page, on the snapshot taken when it was made or on one that is held. The node with the snapshot
 * may be lost: as long as nothing was handed out, and nothing written since, it begins again on a new one; after that
 * it fails with SNAPSHOT_LOST.
 */
export class RangeCursor {
  readonly #tenant: Tenant;
  readonly #keys: KeySpace;
  readonly #read: RangeRead;
  #opening: RangeOpening;
  /** The first page was taken in. */
  #opened = false;
  /** Where the scan lives, once it is known. */
  #home: { readonly scan: number; readonly link: LinkId } | undefined;
  /** Keys and values in turn, from `#position` on. */
  #records: readonly Uint8Array[] = [];
  #position = 0;
  #done = false;
  #seek: Uint8Array | undefined;
  /** A page was asked for and not answered: its node may have gone on behind it, or not. */
  #isPlaceLost = false;
  #handedOut = 0;
  #restarts = 0;
  #closed = false;
  #revision: Revision | undefined;

  constructor(tenant: Tenant, keys: KeySpace, read: RangeRead) {
    this.#tenant = tenant;
    this.#keys = keys;
    this.#read = read;
    this.#opening = this.#open();
  }

  /** Of the state that is read; undefined before anything was. */
  get revision(): Revision | undefined {
    return this.#revision;
  }

  /** The caller's key of one that was taken. */
  own(key: Uint8Array): Buffer {
    return asBuffer(this.#keys.own(key));
  }

  /** Entries at hand, without waiting: at most `size`, their keys as stored. */
  takeReady(size: number): [Uint8Array, Uint8Array][] {
    const entries: [Uint8Array, Uint8Array][] = [];
    const records = this.#records;
    while (entries.length < size && this.#position < records.length) {
      entries.push([records[this.#position] as Uint8Array, records[this.#position + 1] as Uint8Array]);
      this.#position += 2;
    }
    if (this.#position >= records.length) this.#records = [];
    if (this.#records.length === 0) this.#position = 0;
    this.#handedOut += entries.length;
    return entries;
  }

  /** At least one entry unless the range is at its end, at most `size`. Calls must not overlap. */
  async take(size: number, signal?: AbortSignal): Promise<[Uint8Array, Uint8Array][]> {
    while (this.#records.length === 0 && !this.#done) await this.#fetch(size, signal);
    return this.takeReady(size);
  }

  /** Goes on at a key, in the direction of the range. Throws HOLDFAST_REQUEST_TOO_LARGE. */
  seek(own: Uint8Array): void {
    const target = this.#keys.stored(own);
    checkedBounds({ gte: target });
    this.#records = [];
    this.#position = 0;
    this.#done = isOutside(target, this.#read.range);
    this.#seek = this.#done ? undefined : target;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#records = [];
    this.#opening.cancel();
    if (this.#home !== undefined) this.#tenant.closeScan(this.#home);
  }

  #open(): RangeOpening {
    const { limit } = this.#read.range;
    const pageSize = limit < 0 ? FIRST_PAGE_SIZE : Math.max(1, Math.min(limit, FIRST_PAGE_SIZE));
    // The count of a limit is kept here: a seek leaves pages unused that the node would have counted.
    const opening = this.#read.open({ ...this.#read.range, limit: -1 }, pageSize);
    // A failure is told to whoever reads; a cursor that is never read fails in silence.
    opening.firstPage.then((page) => this.#onOpened(page), ignore);
    return opening;
  }

  #onOpened({ message, link }: Page): void {
    const home = { scan: message.id, link };
    if (this.#closed) this.#tenant.closeScan(home);
    else this.#home = home;
  }

  async #fetch(size: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      if (!this.#opened) {
        const page = await untilAborted(this.#opening.firstPage, signal);
        this.#opened = true;
        if (this.#seek === undefined) this.#accept(page);
        return;
      }
      this.#accept(await this.#further(size, signal));
    } catch (error) {
      if (!isSnapshotLost(error) || !this.#mayRestart()) throw error;
      this.#restarts += 1;
      this.#home = undefined;
      this.#opened = false;
      this.#isPlaceLost = false;
      this.#opening = this.#open();
    }
  }

  async #further(size: number, signal: AbortSignal | undefined): Promise<Page> {
    const seek = this.#seek;
    // The next page of the node could be the one behind a page that nobody has seen.
    if (this.#isPlaceLost && seek === undefined) throw placeLost();
    const call = this.#nextPage(size, seek);
    try {
      const page = await this.#tenant.submit(call, signal);
      if (this.#seek === seek) this.#seek = undefined;
      this.#isPlaceLost = false;
      return page;
    } catch (error) {
      if (call.attempts > 0 && !isOfNode(error)) this.#isPlaceLost = true;
      throw error;
    }
  }

  #mayRestart(): boolean {
    return this.#handedOut === 0 && this.#restarts < RESTARTS_MAX && this.#opening.mayRepeat();
  }

  #nextPage(size: number, seek: Uint8Array | undefined): PageCall {
    const { range, timeoutMs } = this.#read;
    const home = this.#home;
    assert(home !== undefined, 'a further page follows the first');
    const left = range.limit < 0 ? Number.POSITIVE_INFINITY : Math.max(1, range.limit - this.#handedOut);
    return new PageCall({
      deadline: this.#tenant.now() + timeoutMs,
      scan: home.scan,
      home: home.link,
      pageSize: Math.min(Math.max(size, FIRST_PAGE_SIZE), PAGE_SIZE_MAX, left),
      seek,
    });
  }

  #accept(page: Page): void {
    this.#records = page.message.records;
    this.#revision = page.message.revision;
    this.#position = 0;
    this.#done = page.message.done;
  }
}

export function isSnapshotLost(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === 'HOLDFAST_SNAPSHOT_LOST';
}

/** A node has said so, or is gone, as opposed to what this client says itself. */
function isOfNode(error: unknown): boolean {
  return isSnapshotLost(error) || (error instanceof HoldfastError && error.node !== undefined);
}

function placeLost(): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_SNAPSHOT_LOST',
    'a page of this read was asked for and not answered in time: where its node goes on is not known',
  );
}

/** A seek beyond the range ends it; one before its beginning the node takes care of. */
function isOutside(target: Uint8Array, range: KeyRange): boolean {
  const { gt, gte, lt, lte } = range;
  if (lte !== undefined && Buffer.compare(target, lte) > 0) return true;
  if (lt !== undefined && Buffer.compare(target, lt) >= 0) return true;
  if (gte !== undefined && Buffer.compare(target, gte) < 0) return true;
  return gt !== undefined && Buffer.compare(target, gt) <= 0;
}

/** Stops waiting, without ending what is waited for: others may want it. */
async function untilAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  const ended = Promise.withResolvers<never>();
  const onAbort = (): void => ended.reject(aborted('the read was aborted', signal));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, ended.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function ignore(): void {
  // Told elsewhere.
}
