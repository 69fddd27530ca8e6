import type { Revision, Topology } from '@holdfast/types';
import type {
  AbstractChainedBatch,
  AbstractIterator,
  AbstractKeyIterator,
  AbstractSublevelOptions,
  AbstractValueIterator,
} from 'abstract-level';
import { BATCH_NAMES, GET_NAMES, PUT_NAMES, READ_NAMES, WRITE_NAMES } from './call-names.ts';
import { EncodedChainedBatch } from './chained-batch.ts';
import { EventfulLevel } from './events/eventful-level.ts';
import { Fallbacks, withoutFallback } from './fallbacks.ts';
import { type HoldfastSublevel, KeyedSublevel } from './holdfast-sublevel.ts';
import { HoldfastIterator, HoldfastKeyIterator, HoldfastValueIterator } from './iterators.ts';
import {
  type AbsentSummary,
  type CallAccess,
  type Change,
  KeyedCalls,
  type ReadSummary,
  type UpdateSummary,
} from './keyed-calls.ts';
import { type KeySpace, keySpaceOf } from './keys/key-space.ts';
import type { Lease } from './leases/lease.ts';
import type { HoldfastLeaseOptions } from './leases/lease-options.ts';
import { LevelError } from './level-error.ts';
import { type Location, parseLocation } from './location.ts';
import type { Election } from './locks/election.ts';
import { holderOf } from './locks/holder-record.ts';
import type { Lock } from './locks/lock.ts';
import type { HoldfastElectOptions, HoldfastLockOptions } from './locks/lock-options.ts';
import { MANIFEST } from './manifest.ts';
import {
  type CallOptions,
  checkOptions,
  definedOf,
  type HoldfastBatchOperation,
  type HoldfastBatchOptions,
  type HoldfastChainedBatch,
  type HoldfastClearOptions,
  type HoldfastDelOptions,
  type HoldfastExpireOptions,
  type HoldfastGetManyOptions,
  type HoldfastGetOptions,
  type HoldfastHasManyOptions,
  type HoldfastHasOptions,
  type HoldfastIncrementOptions,
  type HoldfastIteratorOptions,
  type HoldfastKeyIteratorOptions,
  type HoldfastOptions,
  type HoldfastPutOptions,
  type HoldfastReadOptions,
  type HoldfastTtlOptions,
  type HoldfastUpdateOptions,
  type HoldfastValueIteratorOptions,
  type HoldfastWriteOptions,
  type ReadCallOptions,
  type WriteCallOptions,
} from './options.ts';
import {
  type EncodedOperation,
  type PutRequestOptions,
  type RangeOptions,
  type ReadRequestOptions,
  Requests,
} from './requests.ts';
import { systemSeams } from './seams.ts';
import type { ClientHealth } from './session/client-health.ts';
import { HoldfastSnapshot } from './snapshot.ts';
import type { Tenant } from './tenant.ts';
import { tenantOf } from './tenant-of.ts';
import {
  type HoldfastTransactionOptions,
  requiredTtl,
  type Transaction,
  type TransactionSummary,
} from './transaction.ts';
import type { Watch } from './watch/watch.ts';
import type { HoldfastWatchOptions, WatchEventOf } from './watch/watch-options.ts';
import type { WriteSummary } from './write-summary.ts';

/** Of a call, and of the opening. */
const TIMEOUT_MS = 5000;
const CLOSE_TIMEOUT_MS = 1000;

/**
 * A Holdfast database. Every method of abstract-level keeps its results; the others tell more, or do more. Events beside
 * abstract-level's are those of `ClientEvents`. Any call may reject with HOLDFAST_DEADLINE_EXCEEDED, HOLDFAST_NO_PRIMARY,
 * HOLDFAST_OVERLOADED, HOLDFAST_CLIENT_QUEUE_FULL, HOLDFAST_ABORTED, HOLDFAST_INVALID_ARGUMENT and LEVEL_DATABASE_NOT_OPEN, a
 * write with HOLDFAST_ACK_NOT_REACHED, HOLDFAST_SESSION_EXPIRED and HOLDFAST_DISK_FULL, too: `@throws` names what comes to that.
 * Times are milliseconds.
 */
export class Holdfast<KDefault = string, VDefault = string> extends EventfulLevel<KDefault, VDefault> {
  readonly #location: Location;
  readonly #options: HoldfastOptions<KDefault, VDefault>;
  readonly #keys: KeySpace;
  readonly #access: CallAccess;
  readonly #calls: KeyedCalls<KDefault, VDefault>;
  readonly #fallbacks: Fallbacks<KDefault, VDefault>;
  #tenant: Tenant | undefined;
  #requests: Requests | undefined;

  /**
   * `location`: `ws://host:port` of one or several nodes, separated by commas or as an array; one that answers is
   * enough. Or `holdfast://host:port,host/database?namespace=…&ack=…`, whose options `options` go before.
   * The database opens by itself; calls made before that wait for it. @throws HOLDFAST_INVALID_ARGUMENT
   */
  constructor(location: string | readonly string[], given: HoldfastOptions<KDefault, VDefault> = {}) {
    // Before `super`: it schedules the opening, which an instance refused here must not begin.
    const parsed = parseLocation(location);
    const options = { ...parsed.settings, ...definedOf(given) };
    const keys = keySpaceOf(options);
    checkOptions(options);
    // abstract-level hands what it is given on to hooks and to `_open`, copied: not what has a life of its own.
    const { seams, logger: _, ...plain } = given;
    super(MANIFEST, plain);
    this.#location = parsed;
    this.#keys = keys;
    this.#options = options;
    this.#access = {
      requests: () => this.#open(),
      seams: seams ?? systemSeams(),
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      openTimeoutMs: options.openTimeoutMs ?? TIMEOUT_MS,
      holder: holderOf(options),
      ownKey: (stored) => keys.own(stored),
      hasFallback: options.fallback !== undefined && options.fallback !== false,
      onFallback: (use) => {
        this.#tenant?.fellBack();
        this.announce({ event: 'degraded', detail: use, atMs: this.#access.seams.clock.now() });
      },
    };
    this.#fallbacks = new Fallbacks(options.fallback ?? false, (use) => this.#access.onFallback(use));
    this.#calls = new KeyedCalls(this, this.#access, this.#fallbacks);
  }

  /**
   * Applies all operations or none, as one request, with what prewrite hooks make of them and add. Emits no `write` event.
   * @throws HOLDFAST_CONFLICT (`detail`: the key's revision) if a condition does not hold; LEVEL_HOOK_ERROR.
   */
  async write<K = KDefault, V = VDefault>(
    operations: readonly HoldfastBatchOperation<this, K, V>[],
    options: HoldfastWriteOptions<K, V> = {},
  ): Promise<WriteSummary> {
    return this.#calls.write(operations, options);
  }

  /**
   * Undefined if there is no such key, unless it is to be told of with `tellAbsent`.
   * @throws HOLDFAST_TOO_STALE, HOLDFAST_SESSION_DIVERGED, HOLDFAST_SNAPSHOT_LOST, LEVEL_DECODE_ERROR.
   */
  read<K = KDefault, V = VDefault>(
    key: K,
    options: HoldfastReadOptions<K, V> & { readonly tellAbsent: true },
  ): Promise<ReadSummary<V> | AbsentSummary>;
  read<K = KDefault, V = VDefault>(
    key: K,
    options?: HoldfastReadOptions<K, V>,
  ): Promise<ReadSummary<V> | undefined>;
  read<K, V>(key: K, options: HoldfastReadOptions<K, V> = {}): Promise<never> {
    return this.#calls.read(key, options) as Promise<never>;
  }

  /**
   * Adds `by` to the integer stored under `key` as decimal digits, a missing key counting as 0; exactly once.
   * @throws HOLDFAST_NOT_AN_INTEGER if there is none, or the sum would leave the safe range.
   */
  async increment<K = KDefault>(
    key: K,
    by = 1,
    options: HoldfastIncrementOptions<K> = {},
  ): Promise<{ readonly value: number; readonly revision: Revision }> {
    return this.#calls.increment(key, by, options);
  }

  /**
   * Runs the steps of `then` if all conditions hold, those of `else` otherwise: atomic, exactly once, acknowledged at
   * `quorum` at least. Tells which branch ran and what each step came to; a step sees what those before it did.
   * At most 256 steps a branch. A failed condition is no error. @throws HOLDFAST_NOT_AN_INTEGER, LEVEL_HOOK_ERROR, and
   * HOLDFAST_RESULT_TOO_LARGE if its gets meet more than 256 KiB: nothing was changed then. LEVEL_DECODE_ERROR: it was carried out.
   */
  async transaction<K = KDefault, V = VDefault>(
    transaction: Transaction<K, V>,
    options: HoldfastTransactionOptions<K, V> = {},
  ): Promise<TransactionSummary<V>> {
    return this.#calls.transaction(transaction, options);
  }

  /**
   * Replaces the value of `key` by what `change` makes of it (`null` deletes the key, `undefined` leaves it as it is),
   * exactly once. `change` is called again, with the newest value, whenever another write came between; so it must
   * have no effects of its own. @throws HOLDFAST_DEADLINE_EXCEEDED (`cause`: the last conflict) when time is up;
   * LEVEL_DECODE_ERROR, LEVEL_HOOK_ERROR, and what `change` throws.
   */
  async update<K = KDefault, V = VDefault>(
    key: K,
    change: Change<V>,
    options: HoldfastUpdateOptions<K, V> = {},
  ): Promise<UpdateSummary<V>> {
    return this.#calls.update(key, change, options);
  }

  /**
   * What is committed in a range, in log order, each mutation once, over every failover: an async iterator, open from
   * when it is made until it is closed. What goes wrong later its `next` tells.
   * @throws HOLDFAST_INVALID_ARGUMENT, and LEVEL_DATABASE_NOT_OPEN if the database is closed.
   */
  watch(): Watch<KDefault, VDefault>;
  watch<K = KDefault, V = VDefault, Options extends HoldfastWatchOptions<K, V> = HoldfastWatchOptions<K, V>>(
    options: Options & HoldfastWatchOptions<K, V>,
  ): Watch<K, V, WatchEventOf<K, V, Options>>;
  watch<K, V>(options: HoldfastWatchOptions<K, V> = {}): Watch<K, V, never> {
    return this.#calls.watch(options);
  }

  /**
   * Milliseconds that the key lives at least, from the answer on; 0: it is due; Infinity: it does not expire. Undefined
   * if there is no such key. A standby that has heard nothing for a while may say up to 5 s too much. @throws as `read`:
   * HOLDFAST_TOO_STALE, HOLDFAST_SESSION_DIVERGED, HOLDFAST_SNAPSHOT_LOST.
   */
  async ttl<K = KDefault>(key: K, options: HoldfastTtlOptions<K> = {}): Promise<number | undefined> {
    return this.#calls.ttl(key, options);
  }

  /**
   * Lets the key, as it is, live for `ttlMs` milliseconds from now on, however long it had. A write: the key has a new
   * revision. False if there is no such key. @throws HOLDFAST_INVALID_ARGUMENT without a time, and what any write may.
   */
  async expire<K = KDefault>(
    key: K,
    ttlMs: number,
    options: HoldfastExpireOptions<K> = {},
  ): Promise<boolean> {
    return this.#calls.expire(key, requiredTtl(ttlMs), options);
  }

  /** The key does not expire any more. False if there is no such key. @throws HOLDFAST_DEADLINE_EXCEEDED, and what any write may. */
  async persist<K = KDefault>(key: K, options: HoldfastExpireOptions<K> = {}): Promise<boolean> {
    return this.#calls.expire(key, undefined, options);
  }

  /** Waits for the lock of that name, in the order of those who ask, and holds it until it is released or lost (its `signal` tells). Not re-entrant. @throws HOLDFAST_DEADLINE_EXCEEDED after `timeoutMs`, HOLDFAST_ABORTED. */
  lock(name: string, options: HoldfastLockOptions = {}): Promise<Lock> {
    return this.#calls.lock(name, options);
  }

  /** Undefined: another holds it. It does not queue, nor heed who does. @throws HOLDFAST_DEADLINE_EXCEEDED, and what any write may. */
  tryLock(name: string, options: HoldfastLockOptions = {}): Promise<Lock | undefined> {
    return this.#calls.tryLock(name, options);
  }

  /** One of many is elected to do what only one should. To look who it is needs no candidacy. @throws HOLDFAST_INVALID_ARGUMENT */
  elect(name: string, options?: Omit<HoldfastElectOptions<null>, 'value'>): Election<null>;
  elect<V>(name: string, options: HoldfastElectOptions<V>): Election<V>;
  elect<V>(name: string, options: Partial<HoldfastElectOptions<V>> = {}): Election<V | null> {
    return this.#calls.elect(name, options);
  }

  /** Keys put through it live as long as this process renews them, and go together: by `revoke`, or when it dies. @throws HOLDFAST_LEASE_LOST if its time was over before it was told. */
  lease(options: HoldfastLeaseOptions = {}): Promise<Lease<KDefault, VDefault>> {
    return this.#calls.lease(options);
  }

  /** The newest revision this client has seen since it was opened: pass it to another as `after`. 0 before the first answer. */
  token(): Revision {
    return this.#tenant?.token ?? (0 as Revision);
  }

  /** The cluster as the nodes announce it; undefined before the first has. */
  topology(): Topology | undefined {
    const topology = this.#tenant?.topology;
    return topology === undefined || topology.nodes.length === 0 ? undefined : topology;
  }

  /** How this client is doing: nodes, calls, counters. Undefined before it was opened. */
  health(): ClientHealth | undefined {
    return this.#tenant?.health();
  }

  /** Gives pending calls `closeTimeoutMs`; what has not ended by then is rejected with HOLDFAST_ABORTED. */
  override close(): Promise<void> {
    if (this.status === 'open') this.#tenant?.startClosing(this.#options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS);
    return super.close();
  }

  // abstract-level's methods, with the options that calls to a cluster take beside theirs.

  override get(key: KDefault): Promise<VDefault | undefined>;
  override get<K = KDefault, V = VDefault>(key: K, options: HoldfastGetOptions<K, V>): Promise<V | undefined>;
  override get<K, V>(key: K, options?: HoldfastGetOptions<K, V>): Promise<unknown> {
    const fallback = this.#fallbacks.of<K, V>(options);
    if (fallback !== undefined)
      return this.#fallbacks.value(() => this.get<K, V>(key, withoutFallback(options)), key, fallback);
    return (
      this.#calls.deferral.held((left, own) => super.get(own, left), options, key) ?? super.get(key, options!)
    );
  }

  override getMany(keys: KDefault[]): Promise<(VDefault | undefined)[]>;
  override getMany<K = KDefault, V = VDefault>(
    keys: K[],
    options: HoldfastGetManyOptions<K, V>,
  ): Promise<(V | undefined)[]>;
  override getMany<K, V>(keys: K[], options?: HoldfastGetManyOptions<K, V>): Promise<unknown[]> {
    const fallback = this.#fallbacks.of<K, V>(options);
    if (fallback !== undefined)
      return this.#fallbacks.values(() => this.getMany<K, V>(keys, withoutFallback(options)), keys, fallback);
    return (
      this.#calls.deferral.held((left, own) => super.getMany(own, left), options, keys) ??
      super.getMany(keys, options!)
    );
  }

  override has(key: KDefault): Promise<boolean>;
  override has<K = KDefault>(key: K, options: HoldfastHasOptions<K>): Promise<boolean>;
  override has(key: unknown, options?: CallOptions): Promise<boolean> {
    const has = (given?: CallOptions, own = key): Promise<boolean> => super.has(own as never, given as never);
    return this.#calls.deferral.held(has, options, key) ?? has(options);
  }

  override hasMany(keys: KDefault[]): Promise<boolean[]>;
  override hasMany<K = KDefault>(keys: K[], options: HoldfastHasManyOptions<K>): Promise<boolean[]>;
  override hasMany(keys: unknown[], options?: CallOptions): Promise<boolean[]> {
    const has = (given?: CallOptions, own = keys) => super.hasMany(own as never, given as never);
    return this.#calls.deferral.held(has, options, keys) ?? has(options);
  }

  override put(key: KDefault, value: VDefault): Promise<void>;
  override put<K = KDefault, V = VDefault>(
    key: K,
    value: V,
    options: HoldfastPutOptions<K, V>,
  ): Promise<void>;
  override put(key: unknown, value: unknown, options?: CallOptions): Promise<void> {
    const put = (given?: CallOptions, ownKey = key, own = value): Promise<void> =>
      super.put(ownKey as never, own as never, given as never);
    return this.#calls.deferral.held(put, options, key, value) ?? put(options);
  }

  override del(key: KDefault): Promise<void>;
  override del<K = KDefault>(key: K, options: HoldfastDelOptions<K>): Promise<void>;
  override del(key: unknown, options?: CallOptions): Promise<void> {
    const del = (given?: CallOptions, own = key): Promise<void> => super.del(own as never, given as never);
    return this.#calls.deferral.held(del, options, key) ?? del(options);
  }

  override batch(operations: HoldfastBatchOperation<this, KDefault, VDefault>[]): Promise<void>;
  override batch<K = KDefault, V = VDefault>(
    operations: HoldfastBatchOperation<this, K, V>[],
    options: HoldfastBatchOptions<K, V>,
  ): Promise<void>;
  override batch(): HoldfastChainedBatch<this, KDefault, VDefault>;
  override batch(...given: [] | [unknown, CallOptions?]): unknown {
    // It tells the two apart by the number of arguments.
    if (given.length === 0) return super.batch();
    const batch = (options?: CallOptions, own = given[0]) => super.batch(own as never, options as never);
    return this.#calls.deferral.held(batch, given[1], given[0]) ?? batch(given[1]);
  }

  override clear(): Promise<void>;
  override clear<K = KDefault>(options: HoldfastClearOptions<K>): Promise<void>;
  override clear(options?: CallOptions): Promise<void> {
    const clear = (given?: CallOptions): Promise<void> => super.clear(given as never);
    return this.#calls.deferral.held(clear, options) ?? clear(options);
  }

  override iterator(): AbstractIterator<this, KDefault, VDefault>;
  override iterator<K = KDefault, V = VDefault>(
    options: HoldfastIteratorOptions<K, V>,
  ): AbstractIterator<this, K, V>;
  override iterator(options?: CallOptions): AbstractIterator<this, unknown, unknown> {
    return this.#calls.deferral.heldIterator(super.iterator(options as never), options);
  }

  override keys(): AbstractKeyIterator<this, KDefault>;
  override keys<K = KDefault>(options: HoldfastKeyIteratorOptions<K>): AbstractKeyIterator<this, K>;
  override keys(options?: CallOptions): AbstractKeyIterator<this, unknown> {
    return this.#calls.deferral.heldIterator(super.keys(options as never), options);
  }

  override values(): AbstractValueIterator<this, KDefault, VDefault>;
  override values<K = KDefault, V = VDefault>(
    options: HoldfastValueIteratorOptions<K, V>,
  ): AbstractValueIterator<this, K, V>;
  override values(options?: CallOptions): AbstractValueIterator<this, unknown, unknown> {
    return this.#calls.deferral.heldIterator(super.values(options as never), options);
  }

  override sublevel(name: string | string[]): HoldfastSublevel<this, string, string>;
  override sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): HoldfastSublevel<this, K, V>;
  override sublevel(name: unknown, options?: unknown): never {
    return super.sublevel(name as string, options as never) as never;
  }

  // The private API of abstract-level: encoded keys and values, an open database.

  async _open(): Promise<void> {
    const tenant = tenantOf(this.#location, this.#options, this.#access.seams, (told) => this.announce(told));
    await tenant.open(this.#access.openTimeoutMs);
    this.#tenant = tenant;
    this.#requests = new Requests(tenant, this.#keys, {
      ...this.#options,
      timeoutMs: this.#access.timeoutMs,
    });
  }

  async _close(): Promise<void> {
    const tenant = this.#tenant;
    tenant?.startClosing(this.#options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS);
    await tenant?.close();
    this.#requests = undefined;
  }

  _get(key: Buffer, options: ReadRequestOptions): Promise<Buffer | undefined> {
    GET_NAMES.check(options);
    return this.#open().get(key, options);
  }

  _getMany(keys: Buffer[], options: ReadRequestOptions): Promise<(Buffer | undefined)[]> {
    GET_NAMES.check(options);
    return this.#open().getMany(keys, options);
  }

  async _has(key: Buffer, options: ReadRequestOptions): Promise<boolean> {
    READ_NAMES.check(options);
    return (await this.#open().hasMany([key], options))[0] === true;
  }

  _hasMany(keys: Buffer[], options: ReadRequestOptions): Promise<boolean[]> {
    READ_NAMES.check(options);
    return this.#open().hasMany(keys, options);
  }

  _put(key: Buffer, value: Buffer, options: PutRequestOptions): Promise<unknown> {
    PUT_NAMES.check(options);
    return this.#open().put(key, value, options);
  }

  _del(key: Buffer, options: WriteCallOptions): Promise<unknown> {
    WRITE_NAMES.check(options);
    return this.#open().del(key, options);
  }

  _batch(operations: EncodedOperation[], options: WriteCallOptions): Promise<unknown> {
    BATCH_NAMES.check(options);
    BATCH_NAMES.checkOperations(operations, options);
    return operations.length === 0 ? Promise.resolve() : this.#open().batch(operations, options);
  }

  _clear(options: RangeOptions & WriteCallOptions): Promise<void> {
    return this.#open().clear(options);
  }

  _iterator(
    options: RangeOptions & { keys: boolean; values: boolean },
  ): AbstractIterator<this, never, never> {
    return new HoldfastIterator(this, options as never, this.#open().cursor(options, options));
  }

  _keys(options: RangeOptions): AbstractKeyIterator<this, never> {
    return new HoldfastKeyIterator(
      this,
      options as never,
      this.#open().cursor(options, { keys: true, values: false }),
    );
  }

  _values(options: RangeOptions): AbstractValueIterator<this, never, never> {
    return new HoldfastValueIterator(
      this,
      options as never,
      this.#open().cursor(options, { keys: false, values: true }),
    );
  }

  _chainedBatch(): AbstractChainedBatch<this, never, never> {
    return new EncodedChainedBatch<this, never, never>(this);
  }

  /** Undocumented in abstract-level's types: `options` name the database that closes it. */
  _snapshot(options: ReadCallOptions): HoldfastSnapshot {
    READ_NAMES.check(options);
    return new HoldfastSnapshot(options, this.#open().pin(options));
  }

  /** Undocumented in abstract-level's types: makes what `sublevel` gives. */
  _sublevel(name: string | string[], options: AbstractSublevelOptions<never, never>): unknown {
    return new KeyedSublevel(this, name, options, this.#access);
  }

  #open(): Requests {
    if (this.#requests === undefined || this.status !== 'open') {
      throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    }
    return this.#requests;
  }
}
