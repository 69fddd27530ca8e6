import type { StoreScan } from '@holdfast/store';
import { HoldfastError, type Revision, type ServerMessage, type WireError } from '@holdfast/types';
import { toWireError, wireError } from './wire-error.ts';

export type ScanPageMessage = Extract<ServerMessage, { kind: 'scanPage' }>;

export interface ConnectionScansOptions {
  readonly scansMax: number;
  readonly pageBytesMax: number;
  now(): number;
  onPage(page: ScanPageMessage, bytes: number): void;
  onFailed(id: number, error: WireError): void;
  /** Anything but a HoldfastError. */
  onFatal(error: unknown): void;
}

interface OpenScan {
  /** Until the core has let it begin. */
  reading:
    | { readonly scan: StoreScan; readonly revision: Revision; readonly stalenessMs: number }
    | undefined;
  /** The newest page said that nothing follows. */
  done: boolean;
  /** Pages asked for and not answered. */
  pending: number;
  /** Pages, in turn: calls to one scan must not overlap. */
  work: Promise<void>;
  usedAt: number;
}

/** Pages that a client may ask for ahead. */
const PENDING_PAGES_MAX = 4;
const PAGE_ENTRIES_MAX = 10_000;

/** The range reads of one client connection, by the client's own number for them. */
export class ConnectionScans {
  readonly #options: ConnectionScansOptions;
  readonly #scans = new Map<number, OpenScan>();

  constructor(options: ConnectionScansOptions) {
    this.#options = options;
  }

  /** Pages asked for and not answered. */
  get busy(): number {
    let pages = 0;
    for (const scan of this.#scans.values()) pages += scan.pending;
    return pages;
  }

  get size(): number {
    return this.#scans.size;
  }

  /** Takes a place for a new scan; undefined, or why not. */
  reserve(id: number): WireError | undefined {
    if (this.#scans.has(id)) return wireError('HOLDFAST_INVALID_ARGUMENT', `scan ${id} is open already`);
    if (this.#scans.size >= this.#options.scansMax) this.#closeOneDone();
    if (this.#scans.size >= this.#options.scansMax) {
      return wireError('HOLDFAST_OVERLOADED', `more than ${this.#options.scansMax} scans on one connection`);
    }
    const usedAt = this.#options.now();
    this.#scans.set(id, { reading: undefined, done: false, pending: 1, work: Promise.resolve(), usedAt });
    return undefined;
  }

  /** The core lets it begin: its first page. A scan closed meanwhile is closed at once. */
  begin(id: number, reading: NonNullable<OpenScan['reading']>, pageSize: number): void {
    const open = this.#scans.get(id);
    if (open === undefined) {
      this.#release(reading.scan);
      return;
    }
    open.reading = reading;
    this.#read(id, id, open, { pageSize });
  }

  refuse(id: number): void {
    this.#scans.delete(id);
  }

  next(request: {
    readonly id: number;
    readonly scan: number;
    readonly pageSize: number;
    readonly seek?: Uint8Array;
  }): void {
    const open = this.#scans.get(request.scan);
    if (open?.reading === undefined) {
      const reason = `scan ${request.scan} is not open: it was idle for too long, or never was`;
      this.#options.onFailed(request.id, wireError('HOLDFAST_SNAPSHOT_LOST', reason));
      return;
    }
    if (open.pending >= PENDING_PAGES_MAX) {
      this.#options.onFailed(request.id, wireError('HOLDFAST_OVERLOADED', 'too many pages asked for ahead'));
      return;
    }
    open.pending += 1;
    open.usedAt = this.#options.now();
    this.#read(request.id, request.scan, open, request);
  }

  close(id: number): void {
    const open = this.#scans.get(id);
    this.#scans.delete(id);
    if (open?.reading !== undefined) this.#release(open.reading.scan, open.work);
  }

  closeIdle(usedBefore: number): void {
    for (const [id, open] of this.#scans) if (open.pending === 0 && open.usedAt < usedBefore) this.close(id);
  }

  /** Later pages are answered SNAPSHOT_LOST. */
  closeAll(): void {
    for (const [id, open] of this.#scans) if (open.reading !== undefined) this.close(id);
  }

  #closeOneDone(): void {
    for (const [id, open] of this.#scans) {
      if (!open.done || open.pending > 0) continue;
      this.close(id);
      return;
    }
  }

  #read(
    id: number,
    scanId: number,
    open: OpenScan,
    page: { readonly pageSize: number; readonly seek?: Uint8Array },
  ): void {
    const { reading } = open;
    if (reading === undefined) return;
    open.work = open.work.then(async () => {
      try {
        if (page.seek !== undefined) reading.scan.seek(page.seek);
        const { records, done } = await reading.scan.next({
          entriesMax: Math.max(1, Math.min(page.pageSize, PAGE_ENTRIES_MAX)),
          bytesMax: this.#options.pageBytesMax,
        });
        open.done = done;
        let bytes = 0;
        for (const record of records) bytes += record.byteLength;
        const { revision, stalenessMs } = reading;
        this.#options.onPage({ kind: 'scanPage', id, records, done, revision, stalenessMs }, bytes);
      } catch (error) {
        this.#failed(id, scanId, error);
      }
      open.pending -= 1;
    });
  }

  #failed(id: number, scanId: number, error: unknown): void {
    if (!(error instanceof HoldfastError)) {
      this.#options.onFatal(error);
      return;
    }
    this.close(scanId);
    this.#options.onFailed(id, toWireError(error));
  }

  #release(scan: StoreScan, after: Promise<void> = Promise.resolve()): void {
    // What it pinned is let go even if its last page failed; a failure to close harms nobody.
    after.then(() => scan.close()).catch(() => undefined);
  }
}
