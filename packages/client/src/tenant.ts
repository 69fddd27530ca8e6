import {
  type Ack,
  HoldfastError,
  type NodeId,
  type Revision,
  type Timer,
  type Topology,
  type WriteReceipt,
} from '@holdfast/types';
import { ClientLog, type ClientLogger } from './client-log.ts';
import type { Divergence } from './divergence.ts';
import type { Driver, DriverUser } from './driver.ts';
import type { Seams } from './seams.ts';
import type {
  AnyCall,
  Call,
  LinkId,
  Repeat,
  SnapshotHome,
  StaleRead,
  WatchHome,
  WatchSink,
} from './session/call.ts';
import type { ClientHealth } from './session/client-health.ts';
import type { ClientNews } from './session/effects.ts';
import { CallSpan, type CallTarget } from './tracing/call-span.ts';
import { summaryOf } from './write-summary.ts';

export interface TenantOptions {
  readonly driver: Driver;
  readonly namespace: string | undefined;
  readonly logger: ClientLogger | undefined;
  /** It is open whether or not a node is in reach. */
  readonly isLazy: boolean;
  readonly seams: Pick<Seams, 'clock' | 'random'>;
  readonly onTopology: (topology: Topology) => void;
  readonly onNews: (news: ClientNews) => void;
  readonly onDiverged: (divergence: Divergence) => void;
  readonly onDegraded: (detail: StaleRead) => void;
}

/** One database's part in a driver, which others may use as well: its calls, and its own opening and closing. */
export class Tenant implements DriverUser {
  readonly #options: TenantOptions;
  readonly #driver: Driver;
  readonly #log: ClientLog;
  readonly #target: CallTarget;
  #pending = 0;
  #writes = 0;
  #graceTimer: Timer | undefined;
  #onIdle: (() => void) | undefined;
  #closed = false;

  constructor(options: TenantOptions) {
    this.#options = options;
    const { driver, namespace, logger } = options;
    this.#driver = driver;
    this.#log = new ClientLog(logger);
    this.#target = { database: driver.database, namespace, urlOf: (link) => driver.urlOf(link) };
    this.#driver.join(this);
  }

  /** The level that a write without a wish of its own gets, as the nodes are configured; undefined before one has told it. */
  get defaultAck(): Ack | undefined {
    return this.#driver.defaultAck;
  }

  get token(): Revision {
    return this.#driver.token;
  }

  get topology(): Topology {
    return this.#driver.topology;
  }

  get seams(): TenantOptions['seams'] {
    return this.#options.seams;
  }

  health(): ClientHealth {
    return this.#driver.health();
  }

  /** Writes asked for so far. A snapshot lost after another was asked for cannot be taken again. */
  get writes(): number {
    return this.#writes;
  }

  now(): number {
    return this.#driver.now();
  }

  /** Resolves when a node has welcomed this client, or at once if it is lazy. Rejects with the reasons if none does in time. */
  async open(timeoutMs: number): Promise<void> {
    if (this.#options.isLazy) {
      this.#driver.start();
      return;
    }
    try {
      await this.#driver.open(timeoutMs);
    } catch (error) {
      this.#closed = true;
      await this.#driver.leave(this);
      throw error;
    }
  }

  /** Resolves or rejects when the call is settled. `signal` ends it at once. */
  submit<Result>(call: AnyCall & Call<Result>, signal?: AbortSignal | null): Promise<Result> {
    if (this.#closed) {
      return Promise.reject(
        new HoldfastError('HOLDFAST_ABORTED', 'the client is closed', { outcome: 'not-applied' }),
      );
    }
    call.owner = this;
    call.trace = CallSpan.start(call, this.#target);
    this.#pending += 1;
    if (call.kind === 'write') this.#writes += 1;
    return this.#driver.submit(call, signal);
  }

  /** Nobody waits for the call any more. Does nothing if it is settled. */
  abort(call: AnyCall, cause?: unknown): void {
    this.#driver.abort(call, cause);
  }

  /** The snapshot behind a scan is not needed any more. */
  closeScan(scan: { scan: number; link: LinkId }): void {
    this.#driver.closeScan(scan);
  }

  /** The snapshot is not needed any more; scans on it go on. */
  closeSnapshot(home: SnapshotHome): void {
    this.#driver.closeSnapshot(home);
  }

  /** The watch is not wanted any more. `home`: where it lives now. */
  closeWatch(sink: WatchSink, home: WatchHome | undefined): void {
    this.#driver.closeWatch(sink, home);
  }

  /** So many bytes of events more may come. */
  grantWatch(home: WatchHome, bytes: number): void {
    this.#driver.grantWatch(home, bytes);
  }

  /** From now on pending calls have `graceMs` to end by themselves; then they are ended. */
  startClosing(graceMs: number): void {
    this.#graceTimer ??= this.seams.clock.setTimer(graceMs, () => this.#endCalls());
  }

  /** Waits for pending calls as long as `startClosing` allows, then leaves the driver. */
  async close(): Promise<void> {
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#graceTimer?.cancel();
    this.#endCalls();
    await this.#driver.leave(this);
  }

  onCompleted(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#onIdle?.();
  }

  onDegraded(detail: StaleRead): void {
    this.#log.degraded(detail);
    this.#options.onDegraded(detail);
  }

  /** A program helped itself where this database could not. */
  fellBack(): void {
    this.#driver.fellBack();
  }

  onResent(call: AnyCall, repeat: Repeat, node: NodeId | undefined): void {
    this.#log.resent(call, repeat, node);
  }

  onTopology(topology: Topology): void {
    this.#options.onTopology(topology);
  }

  onNews(news: ClientNews): void {
    this.#log.news(news);
    this.#options.onNews(news);
  }

  onDiverged(loss: { lost: Revision; surviving: Revision; receipts: readonly WriteReceipt[] }): void {
    const divergence = { ...loss, receipts: loss.receipts.map(summaryOf) };
    this.#log.diverged(divergence);
    this.#options.onDiverged(divergence);
  }

  #endCalls(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#driver.endCalls(this);
  }
}
