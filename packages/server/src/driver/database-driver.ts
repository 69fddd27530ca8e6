import type { CoreApi, CoreStanding, CoreStatus, Effect, Input, RecoveredLog } from '@holdfast/core';
import type { DivergenceFile, Store } from '@holdfast/store';
import {
  assertNever,
  type Clock,
  type DatabaseUid,
  type Disk,
  HoldfastError,
  type Timer,
} from '@holdfast/types';
import type { Wal } from '@holdfast/wal';
import { isDiskFull } from '../data-directory.ts';
import type { LogTraces } from '../tracing/log-traces.ts';
import { MutationFeed } from '../watches/mutation-feed.ts';
import { Checkpoints } from './checkpoints.ts';
import { DiskSpace } from './disk-space.ts';
import type { DriverPorts } from './driver-ports.ts';
import type { DriverTuning } from './driver-tuning.ts';
import { RoundTrips } from './round-trips.ts';
import type { StoreSlot } from './store-slot.ts';

export interface DriverParts {
  readonly name: string;
  readonly core: CoreApi;
  readonly wal: Wal;
  readonly slot: StoreSlot;
  readonly divergence: DivergenceFile;
  readonly recovered: RecoveredLog;
  /** The log met a full disk while it was opened. */
  readonly logIsFull: boolean;
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: Clock;
  readonly tuning: DriverTuning;
  /** See `MutationFeed`. */
  readonly recentBytesMax: number;
  readonly ports: DriverPorts;
  readonly traces: LogTraces;
}

type ApplyEffect = Extract<Effect, { kind: 'apply' }>;

/**
 * Runs the core of one database: hands it inputs one at a time, does what it says in the order it says it, and
 * tells it what came of that. It decides nothing.
 */
export class DatabaseDriver {
  readonly name: string;
  readonly divergence: DivergenceFile;
  /** What is applied, for those who watch. */
  readonly feed: MutationFeed;
  readonly traces: LogTraces;
  readonly #core: CoreApi;
  readonly #wal: Wal;
  readonly #slot: StoreSlot;
  readonly #clock: Clock;
  readonly #tuning: DriverTuning;
  readonly #ports: DriverPorts;
  readonly #checkpoints: Checkpoints;
  readonly #space: DiskSpace;
  readonly #roundTrips: RoundTrips;
  /** Reads of the store that wait while it is opened again. */
  #held: Effect[] = [];
  /** A batch that the next tick applies. */
  #heldApply: ApplyEffect | undefined;
  /** Inputs that arose while effects were performed: `step` is not re-entrant. */
  readonly #queue: Input[] = [];
  #stepping = false;
  #stopped = false;
  #uid: DatabaseUid | '';
  #ticks: Timer | undefined;
  /** Entries judged lost and not filed yet. */
  #filing = 0;
  /** Filing and swapping, one after the other; awaited by `stop`. */
  #background: Promise<void> = Promise.resolve();

  constructor(parts: DriverParts) {
    this.name = parts.name;
    this.divergence = parts.divergence;
    this.traces = parts.traces;
    this.#core = parts.core;
    this.#wal = parts.wal;
    this.#slot = parts.slot;
    this.#clock = parts.clock;
    this.#tuning = parts.tuning;
    this.#ports = parts.ports;
    this.#uid = parts.recovered.genesis?.databases[parts.name] ?? '';
    this.#checkpoints = new Checkpoints({
      slot: parts.slot,
      wal: parts.wal,
      clock: parts.clock,
      tuning: parts.tuning,
      recovered: parts.recovered,
      retainFrom: (peersFrom) => this.#core.retainFrom(peersFrom),
      onHeadRemoved: (below) => this.input({ kind: 'headRemoved', below }),
      onFailure: (error) => this.fail(error),
    });
    const { checkpoint, revision } = parts.slot.recovered.state;
    this.feed = new MutationFeed({
      log: parts.wal,
      clock: parts.clock,
      head: { index: checkpoint.index, revision },
      recentBytesMax: parts.recentBytesMax,
      read: (keys, bytesMax) => this.store.get(keys, bytesMax).records,
      stalenessMs: () => this.status().stalenessMs,
      onFailure: (error) => this.#logFailed(error),
    });
    this.#roundTrips = new RoundTrips(parts.clock, (peer, durationMs) =>
      parts.ports.metrics.roundTrip(peer, durationMs),
    );
    this.#space = new DiskSpace({
      disk: parts.disk,
      clock: parts.clock,
      directory: parts.directory,
      checkMs: parts.tuning.diskCheckMs,
      reopenBytesMin: parts.tuning.reopenBytesMin,
      logIsFull: parts.logIsFull,
      store: () => parts.slot.store,
      onChange: (full) => this.input({ kind: 'order', order: { kind: 'diskFull', full } }),
      onReopened: () => this.#performHeld(),
    });
  }

  /** Names this database on every frame; empty until the cluster has formed. */
  get uid(): DatabaseUid | '' {
    return this.#uid;
  }

  get store(): Store {
    return this.#slot.store;
  }

  /** Where to build the next snapshot received; undefined once this database stops. */
  newStoreDirectory(): { readonly name: string; readonly path: string } | undefined {
    if (this.#stopped) return undefined;
    const name = this.#slot.nextName();
    return { name, path: this.#slot.pathOf(name) };
  }

  /** So much of an image of the store has been sent to a peer, bytes: as much of the log it may lack when it has that. */
  imageSent(bytes: number): void {
    this.#checkpoints.imageSent(bytes);
  }

  get walStats(): Wal['stats'] {
    return this.#wal.stats;
  }

  /** Log or store have no room: nothing is written until there is some. */
  get isDiskFull(): boolean {
    return this.#space.isFull;
  }

  logIsFull(full: boolean): void {
    this.#space.logIsFull(full);
  }

  storeFailed(error: Error): void {
    if (isDiskFull(error)) this.#space.storeIsFull();
    else this.fail(error);
  }

  get standing(): CoreStanding {
    return this.#core.standing;
  }

  status(): CoreStatus {
    return this.#core.status(this.#clock.now());
  }

  /** See `CoreApi`. */
  readonly sequenceKind: CoreApi['sequenceKind'] = (...call) => this.#core.sequenceKind(...call);

  /** Entries judged lost that are not listed yet. */
  get filing(): number {
    return this.#filing;
  }

  /** Begins to tick. */
  start(): void {
    if (this.#space.isFull) this.input({ kind: 'order', order: { kind: 'diskFull', full: true } });
    this.input({ kind: 'tick' });
    this.#tickLater();
  }

  /** Steps the core and performs the effects before it returns, unless a step is under way: then right after it. */
  input(input: Input): void {
    if (this.#stopped) return;
    this.#queue.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      // Grows while it is walked through.
      for (const next of this.#queue) this.#step(next);
    } catch (error) {
      this.fail(asError(error));
    }
    this.#queue.length = 0;
    this.#stepping = false;
  }

  /** No more steps. Ends in order what is under way, marks the log and closes everything. */
  async stop(): Promise<void> {
    this.#halt();
    // First: what goes on in the background may wait for room.
    await this.#space.stop();
    await this.#background;
    await this.#checkpoints.stop();
    // Whatever becomes of one: what stays open keeps its lock.
    const closed = await Promise.allSettled([this.#wal.close(), this.#slot.close(), this.divergence.close()]);
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  }

  /**
   * No more steps, and lets go of the files, whatever state they are in. What the log was given before it may
   * still write: it was handed over to be written at once.
   */
  async abandon(): Promise<void> {
    this.#halt();
    // Each may fail for the very reason that the database is given up.
    await Promise.allSettled([this.#background, this.#space.stop(), this.#checkpoints.stop()]);
    await Promise.allSettled([this.#wal.close(), this.#slot.close(), this.divergence.close()]);
  }

  fail(error: Error): void {
    if (this.#stopped) return;
    this.#halt();
    this.#ports.failed(error);
  }

  #halt(): void {
    this.#stopped = true;
    this.#ticks?.cancel();
    this.#checkpoints.pause();
    this.feed.stop();
  }

  #tickLater(): void {
    const dueAt = this.#clock.now() + this.#tuning.tickMs;
    this.#ticks = this.#clock.setTimer(
      this.#tuning.tickMs,
      () => {
        // A timer is late by up to a millisecond even when nothing else is done.
        const lateMs = Math.floor(this.#clock.now() - dueAt);
        this.input(lateMs > 0 ? { kind: 'tick', lateMs } : { kind: 'tick' });
        if (!this.#stopped) this.#tickLater();
      },
      { background: true },
    );
  }

  #step(input: Input): void {
    if (this.#stopped) return;
    if (input.kind === 'tick') this.#applyHeld();
    if (input.kind === 'persisted') this.traces.synced(input.ticket);
    if (input.kind === 'message') this.#roundTrips.received(input.from, input.message);
    for (const effect of this.#core.step(input, this.#clock.now())) {
      // A `stop` before it: nothing after it may happen.
      if (this.#stopped) return;
      this.#perform(effect);
    }
    if (this.#heldApply !== undefined && this.#core.applyAwaited) this.#applyHeld();
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#persist(effect);
        break;
      case 'send':
        this.#send(effect);
        break;
      case 'apply':
        this.#applySoon(effect);
        break;
      case 'load':
        this.#load(effect);
        break;
      case 'fetch':
      case 'serve':
        this.#readStore(effect);
        break;
      case 'findDue':
        this.#findDue(effect);
        break;
      case 'findOld':
        this.#findOld(effect);
        break;
      case 'refuseReads':
        this.#ports.refuseReads(effect.reads);
        break;
      case 'reply':
        this.#ports.reply(effect.connection, effect.replies);
        break;
      case 'sendSnapshot':
        this.#ports.sendSnapshot(effect.peer);
        break;
      case 'cancelSnapshot':
        this.#ports.cancelSnapshot(effect.peer);
        break;
      case 'install':
        // What is held belongs to the store that goes.
        this.#heldApply = undefined;
        this.#inBackground(() => this.#install(effect.directory));
        break;
      case 'discardSnapshot':
        this.#inBackground(() => this.#discard(effect.directory));
        break;
      case 'fileDiverged':
        this.#filing += effect.entries.length;
        this.#inBackground(() => this.#fileDiverged(effect));
        break;
      case 'judged':
        this.#wal.judged(effect.entries);
        break;
      case 'orderDone':
        this.#ports.orderDone(effect.id, effect.error);
        break;
      case 'notice':
        this.#ports.notice(effect.notice);
        // The best successor stands at a tick: now, and not half a tick later on the average.
        if (effect.notice.kind === 'suspicion') this.input({ kind: 'tick' });
        break;
      case 'stop':
        this.fail(new Error(effect.reason));
        break;
      default:
        assertNever(effect);
    }
  }

  #persist(effect: Extract<Effect, { kind: 'persist' }>): void {
    const { record } = effect.order;
    if (record.kind === 'genesis') this.#uid = record.genesis.databases[this.name] ?? '';
    if (record.kind === 'entries') this.#checkpoints.logged(record.entries);
    this.traces.logging(effect.order);
    this.#wal.append(effect.order);
  }

  #send({ to, message }: Extract<Effect, { kind: 'send' }>): void {
    this.#roundTrips.sent(to, message);
    const traces = message.kind === 'append' ? this.traces.of(message.entries) : undefined;
    this.#ports.send(to, this.#uid, message, traces);
  }

  /**
   * A batch that nobody waits for is held until the next tick: many small ones become few. The core has one apply
   * under way at a time, so the next one carries all that was committed meanwhile.
   */
  #applySoon(effect: ApplyEffect): void {
    if (this.#core.applyAwaited) this.#apply(effect);
    else this.#heldApply = effect;
  }

  #applyHeld(): void {
    const held = this.#heldApply;
    if (held === undefined) return;
    this.#heldApply = undefined;
    this.#apply(held);
  }

  /** What becomes of a batch that was on its way into a store when a snapshot replaced that is nobody's business. */
  #apply(effect: ApplyEffect): void {
    const startedAt = this.#clock.now();
    const { store, feed } = this;
    feed.applying(effect);
    store.apply(effect).then(
      () => {
        if (store !== this.store) return;
        this.#ports.metrics.apply(this.#clock.now() - startedAt);
        this.#checkpoints.applied(effect.entries);
        feed.applied(effect);
        this.input({ kind: 'applied', index: effect.applied.index });
        feed.tell();
      },
      (error) => {
        if (store === this.store) this.fail(asError(error));
      },
    );
  }

  #readStore(effect: Extract<Effect, { kind: 'fetch' | 'serve' }>): void {
    if (this.#space.isReopening) this.#held.push(effect);
    else if (effect.kind === 'serve') this.#ports.serve(effect.reads, this.store, effect.logTime);
    else this.#fetch(effect);
  }

  #fetch(effect: Extract<Effect, { kind: 'fetch' }>): void {
    try {
      const { records } = this.store.get(effect.keys, effect.bytesMax);
      this.input({ kind: 'fetched', id: effect.id, records });
    } catch (error) {
      // Opened again without success, it cannot be read before it is.
      if (!(error instanceof HoldfastError) || !this.#space.isFull) throw error;
      this.#held.push(effect);
    }
  }

  /** A store that cannot be read now is asked again at the next tick: something is still due, as far as anybody knows. */
  #findDue({ id, upTo, placesMax }: Extract<Effect, { kind: 'findDue' }>): void {
    this.store.findDue({ upTo, placesMax }).then(
      ({ due, next }) => this.input({ kind: 'dueFound', id, due, next }),
      (error: unknown) => {
        if (error instanceof HoldfastError) this.input({ kind: 'dueFound', id, due: [], next: upTo });
        else this.fail(asError(error));
      },
    );
  }

  #findOld(effect: Extract<Effect, { kind: 'findOld' }>): void {
    const { id } = effect;
    this.store.findOld(effect).then(
      (found) => this.input({ kind: 'oldFound', id, found }),
      (error: unknown) => {
        if (error instanceof HoldfastError) this.input({ kind: 'oldFound', id, found: undefined });
        else this.fail(asError(error));
      },
    );
  }

  #performHeld(): void {
    const held = this.#held;
    this.#held = [];
    try {
      if (!this.#stopped) for (const effect of held) this.#perform(effect);
    } catch (error) {
      this.fail(asError(error));
    }
  }

  #load(effect: Extract<Effect, { kind: 'load' }>): void {
    this.#wal.read(effect).then(
      (entries) => this.input({ kind: 'loaded', id: effect.id, entries }),
      (error) => this.#logFailed(error),
    );
  }

  #logFailed(error: unknown): void {
    if (error instanceof HoldfastError && error.code === 'HOLDFAST_CORRUPT_LOG')
      this.#ports.corrupted({ what: 'log', where: this.#wal.directory, reason: error.message });
    this.fail(asError(error));
  }

  async #install(directory: string): Promise<void> {
    // The checkpoint of a store that is about to be closed must have ended, and no other may begin on it.
    await this.#checkpoints.hold(async () => {
      // A store writes to open.
      const replaced = await this.#whenRoom(() => this.#slot.replace(directory));
      if (replaced === undefined) return;
      const { applied, revision } = this.#slot.recovered.state;
      this.feed.replaced({ index: applied.index, revision });
      this.#space.storeHasRoom();
      this.input({ kind: 'installed', directory });
      this.#ports.snapshotSettled(directory, true);
      await this.#ports.storeReplaced();
      await this.#whenRoom(() => replaced.retire());
    });
  }

  async #discard(directory: string): Promise<void> {
    await this.#whenRoom(() => this.#slot.discard(directory));
    this.#ports.snapshotSettled(directory, false);
  }

  async #fileDiverged({ entries, undecided }: Extract<Effect, { kind: 'fileDiverged' }>): Promise<void> {
    await this.#whenRoom(() => this.divergence.file(this.name, entries, undecided));
    // Then it does not matter: the log still has it at the next start.
    if (this.#stopped) return;
    this.#filing -= entries.length;
    this.#wal.judged(entries);
  }

  /**
   * Does it again when there is room, as long as it finds none: to remove something takes some, too, where nothing is written
   * in place (btrfs, ZFS). Undefined: this stopped first.
   */
  async #whenRoom<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isDiskFull(error)) throw error;
      }
      if (!this.#stopped) await this.#space.fileIsFull();
      if (this.#stopped) return undefined;
    }
  }

  #inBackground(work: () => Promise<void>): void {
    this.#background = this.#background
      .then(() => (this.#stopped ? undefined : work()))
      .catch((error: unknown) => this.fail(asError(error)));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
