import type { StoreScan } from '@holdfast/store';
import {
  type Clock,
  HoldfastError,
  type Revision,
  type ServerMessage,
  type Timer,
  type WireError,
} from '@holdfast/types';
import type { ScanJob, ScanLane } from './scan-lane.ts';
import { overloaded, toWireError, wireError } from './wire-error.ts';

export type ScanPageMessage = Extract<ServerMessage, { kind: 'scanPage' }>;

export interface ConnectionScansOptions {
  /** Of the connection; its pages take turns with those of others. */
  readonly owner: number;
  readonly lane: ScanLane;
  readonly scansMax: number;
  readonly pageBytesMax: number;
  readonly clock: Clock;
  onPage(page: ScanPageMessage, bytes: number): void;
  /** The first page has to wait; the state it will be read from is held. */
  onOpened(id: number, revision: Revision): void;
  onFailed(id: number, error: WireError): void;
  /** Anything but a HoldfastError. */
  onFatal(error: unknown): void;
}

/** A page asked for. */
interface PageRequest {
  readonly id: number;
  readonly pageSize: number;
  readonly deadline: number;
  readonly seek?: Uint8Array;
}

interface OpenScan {
  readonly id: number;
  /** Until the core has let it begin. */
  reading:
    | { readonly scan: StoreScan; readonly revision: Revision; readonly stalenessMs: number }
    | undefined;
  /** The newest page said that nothing follows. */
  done: boolean;
  /** Pages asked for and not answered: the first is being read, or waits for its turn; calls to one scan must not overlap. */
  pages: PageRequest[];
  job: ScanJob | undefined;
  /** The page being read. */
  work: Promise<void>;
  usedAt: number;
}

/** Pages that a client may ask for ahead. */
const PENDING_PAGES_MAX = 4;
const PAGE_ENTRIES_MAX = 10_000;
/** A first page that takes longer is announced: until it is here the client holds its writes back. */
const ANNOUNCE_MS = 5;

/** The range reads of one client connection, by the client's own number for them. */
export class ConnectionScans {
  readonly #options: ConnectionScansOptions;
  readonly #scans = new Map<number, OpenScan>();
  #busy = 0;

  constructor(options: ConnectionScansOptions) {
    this.#options = options;
  }

  /** Pages asked for and not answered. */
  get busy(): number {
    return this.#busy;
  }

  get size(): number {
    return this.#scans.size;
  }

  /** Takes a place for a new scan; undefined, or why not. */
  reserve(id: number): WireError | undefined {
    const { scansMax, lane, clock } = this.#options;
    if (this.#scans.has(id)) return wireError('HOLDFAST_INVALID_ARGUMENT', `scan ${id} is open already`);
    if (this.#scans.size >= scansMax) this.#closeOneDone();
    if (this.#scans.size >= scansMax) return overloaded(`more than ${scansMax} scans on one connection`);
    if (lane.refuses()) return laneFull();
    const open = { id, reading: undefined, done: false, job: undefined, work: Promise.resolve() };
    this.#scans.set(id, { ...open, pages: [], usedAt: clock.now() });
    this.#busy += 1;
    return undefined;
  }

  /** The core lets it begin: its first page. A scan closed meanwhile is closed at once. */
  begin(
    id: number,
    reading: NonNullable<OpenScan['reading']>,
    first: { readonly pageSize: number; readonly deadline: number },
  ): void {
    const open = this.#scans.get(id);
    if (open === undefined) {
      this.#release(reading.scan);
      return;
    }
    open.reading = reading;
    open.pages.push({ id, ...first });
    this.#readNext(open);
  }

  /** It never began. */
  refuse(id: number): void {
    if (this.#scans.delete(id)) this.#busy -= 1;
  }

  next(request: PageRequest & { readonly scan: number }): void {
    const open = this.#scans.get(request.scan);
    if (open?.reading === undefined) {
      this.#options.onFailed(request.id, lost(request.scan));
      return;
    }
    if (open.pages.length >= PENDING_PAGES_MAX) {
      this.#options.onFailed(request.id, overloaded('too many pages asked for ahead'));
      return;
    }
    open.usedAt = this.#options.clock.now();
    open.pages.push(request);
    this.#busy += 1;
    if (open.pages.length === 1) this.#readNext(open);
  }

  close(id: number): void {
    const open = this.#scans.get(id);
    if (open === undefined) return;
    this.#scans.delete(id);
    if (open.reading === undefined) {
      this.#busy -= 1;
      return;
    }
    // Of the one being read something comes yet; the others have nothing to be read from any more.
    const { job } = open;
    const isReading = job !== undefined && !this.#options.lane.leave(job);
    for (const page of open.pages.splice(isReading ? 1 : 0)) {
      this.#busy -= 1;
      this.#options.onFailed(page.id, lost(id));
    }
    this.#release(open.reading.scan, open.work);
  }

  closeIdle(usedBefore: number): void {
    for (const [id, { reading, pages, usedAt }] of this.#scans)
      if (reading !== undefined && pages.length === 0 && usedAt < usedBefore) this.close(id);
  }

  /** Later pages are answered SNAPSHOT_LOST. */
  closeAll(): void {
    for (const [id, open] of this.#scans) if (open.reading !== undefined) this.close(id);
  }

  #closeOneDone(): void {
    for (const [id, open] of this.#scans) {
      if (!open.done || open.pages.length > 0) continue;
      this.close(id);
      return;
    }
  }

  /** The first of the pages asked for goes into the lane; one that is refused makes room for the next. */
  #readNext(open: OpenScan): void {
    const { lane, owner, onFailed } = this.#options;
    for (let page = open.pages[0]; page !== undefined; page = open.pages[0]) {
      const { id, deadline } = page;
      const read = page;
      const job = {
        owner,
        deadline,
        run: () => this.#run(open, read),
        left: () => this.#readNextOf(open),
        expire: () => this.#refusePage(open, read, tooLate()),
      };
      open.job = job;
      const entered = lane.enter(job);
      if (entered !== 'refused') {
        if (entered === 'waiting' && id === open.id) this.#announce(open);
        return;
      }
      open.job = undefined;
      this.#answered(open);
      // Without its first page nobody knows of it.
      if (id === open.id) this.close(id);
      onFailed(id, laneFull());
    }
  }

  #refusePage(open: OpenScan, page: PageRequest, error: WireError): void {
    open.job = undefined;
    this.#answered(open);
    if (page.id === open.id) this.close(page.id);
    this.#options.onFailed(page.id, error);
    this.#readNext(open);
  }

  #run(open: OpenScan, page: PageRequest): Promise<void> {
    const timer = page.id === open.id ? this.#announceLater(open) : undefined;
    open.work = this.#read(open, page).then(() => timer?.cancel());
    return open.work;
  }

  /** Not before the lane has the place of the page before: the next one must not be refused for want of it. */
  #readNextOf(open: OpenScan): void {
    open.job = undefined;
    this.#answered(open);
    if (this.#scans.get(open.id) === open) this.#readNext(open);
  }

  async #read(open: OpenScan, page: PageRequest): Promise<void> {
    const { reading } = open;
    if (reading === undefined) return;
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
      this.#options.onPage({ kind: 'scanPage', id: page.id, records, done, revision, stalenessMs }, bytes);
    } catch (error) {
      this.#failed(open, page, error);
    }
  }

  #failed(open: OpenScan, page: PageRequest, error: unknown): void {
    if (!(error instanceof HoldfastError)) {
      this.#options.onFatal(error);
      return;
    }
    if (this.#scans.get(open.id) === open) this.close(open.id);
    this.#options.onFailed(page.id, toWireError(error));
  }

  /** The first of the pages asked for is done with. */
  #answered(open: OpenScan): void {
    open.pages.shift();
    this.#busy -= 1;
  }

  #announceLater(open: OpenScan): Timer {
    return this.#options.clock.setTimer(ANNOUNCE_MS, () => this.#announce(open), { background: true });
  }

  #announce({ id, reading }: OpenScan): void {
    if (reading !== undefined) this.#options.onOpened(id, reading.revision);
  }

  #release(scan: StoreScan, after: Promise<void> = Promise.resolve()): void {
    // What it pinned is let go even if its last page failed; a failure to close harms nobody.
    after.then(() => scan.close()).catch(() => undefined);
  }
}

/** Pages take milliseconds; a lane that is full of them is not empty sooner. */
const LANE_RETRY_AFTER_MS = 100;

function laneFull(): WireError {
  return overloaded('too many range reads wait for the disk', LANE_RETRY_AFTER_MS);
}

function lost(scan: number): WireError {
  return wireError(
    'HOLDFAST_SNAPSHOT_LOST',
    `scan ${scan} is not open: it was idle for too long, or never was`,
  );
}

function tooLate(): WireError {
  const message = 'the deadline passed before the page was read';
  return toWireError(new HoldfastError('HOLDFAST_DEADLINE_EXCEEDED', message, { outcome: 'not-applied' }));
}
