import type { HoldfastError } from '@holdfast/types';
import type { CallTime } from './call-time.ts';
import { isSnapshotLost } from './range-cursor.ts';
import type { SnapshotCall, SnapshotHome } from './session/call.ts';
import type { Tenant } from './tenant.ts';

/** How often one snapshot is taken again; nodes that lose each at once are not worth more. */
const RESTARTS_MAX = 8;

/**
 * A snapshot held by a node. If that node is lost, it is taken again elsewhere as long as nobody can tell: nothing was
 * read from it yet, and nothing written since it was taken. After that it is lost for good.
 */
export class SnapshotPin {
  readonly #tenant: Tenant;
  readonly #makeCall: () => SnapshotCall;
  readonly #signal: AbortSignal | undefined;
  readonly #writesBefore: number;
  #call: SnapshotCall;
  #home: Promise<SnapshotHome>;
  #isRead = false;
  #restarts = 0;
  #isClosed = false;

  /** `signal`: ends its taking, and is without effect on one that was taken. */
  constructor(tenant: Tenant, makeCall: () => SnapshotCall, signal: AbortSignal | undefined) {
    this.#tenant = tenant;
    this.#makeCall = makeCall;
    this.#signal = signal;
    this.#writesBefore = tenant.writes;
    this.#call = makeCall();
    this.#home = this.#take();
  }

  isOf(tenant: Tenant): boolean {
    return this.#tenant === tenant;
  }

  /** Runs `read` where the snapshot is. It is waited for no longer than `time` allows. */
  async read<Result>(read: (home: SnapshotHome) => Promise<Result>, time: CallTime): Promise<Result> {
    for (;;) {
      const taken = this.#home;
      try {
        const result = await read(await time.within(taken));
        // Another read has met its loss meanwhile, and sees the one that was taken instead: so must this one (G12).
        if (taken !== this.#home) continue;
        this.#isRead = true;
        return result;
      } catch (error) {
        if (!isSnapshotLost(error)) throw error;
        // Another read has met the loss before, and it is taken again already.
        if (taken === this.#home) this.#takeAgain(error);
      }
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tenant.abort(this.#call);
    this.#home.then((home) => this.#tenant.closeSnapshot(home), ignore);
  }

  #take(): Promise<SnapshotHome> {
    const home = this.#tenant.submit(this.#call, this.#signal);
    // A failure is told to whoever reads; a snapshot that is never read fails in silence.
    home.catch(ignore);
    return home;
  }

  #takeAgain(error: HoldfastError): void {
    const isVisible = this.#isRead || this.#tenant.writes > this.#writesBefore;
    if (isVisible || this.#isClosed || this.#restarts >= RESTARTS_MAX) throw error;
    this.#restarts += 1;
    this.#call = this.#makeCall();
    this.#home = this.#take();
  }
}

function ignore(): void {
  // Told elsewhere.
}
