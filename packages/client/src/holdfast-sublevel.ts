import type { Revision } from '@holdfast/types';
import {
  type AbstractChainedBatch,
  type AbstractIterator,
  type AbstractKeyIterator,
  AbstractSublevel,
  type AbstractSublevelOptions,
  type AbstractValueIterator,
} from 'abstract-level';
import { EncodedChainedBatch } from './chained-batch.ts';
import { copyGivenBytes } from './copying-level.ts';
import type { LevelEmitter } from './events/level-emitter.ts';
import { Fallbacks, withoutFallback } from './fallbacks.ts';
import {
  type AbsentSummary,
  type CallAccess,
  type Change,
  KeyedCalls,
  type ReadSummary,
  type UpdateSummary,
} from './keyed-calls.ts';
import type { Lease } from './leases/lease.ts';
import type { HoldfastLeaseOptions } from './leases/lease-options.ts';
import type { Election } from './locks/election.ts';
import type { Lock } from './locks/lock.ts';
import type { HoldfastElectOptions, HoldfastLockOptions } from './locks/lock-options.ts';
import { SUBLEVEL_METHODS } from './manifest.ts';
import type {
  CallOptions,
  HoldfastBatchOperation,
  HoldfastBatchOptions,
  HoldfastChainedBatch,
  HoldfastClearOptions,
  HoldfastDelOptions,
  HoldfastExpireOptions,
  HoldfastGetManyOptions,
  HoldfastGetOptions,
  HoldfastHasManyOptions,
  HoldfastHasOptions,
  HoldfastIncrementOptions,
  HoldfastIteratorOptions,
  HoldfastKeyIteratorOptions,
  HoldfastPutOptions,
  HoldfastReadOptions,
  HoldfastTtlOptions,
  HoldfastUpdateOptions,
  HoldfastValueIteratorOptions,
  HoldfastWriteOptions,
} from './options.ts';
import {
  type HoldfastTransactionOptions,
  requiredTtl,
  type Transaction,
  type TransactionSummary,
} from './transaction.ts';
import type { Watch } from './watch/watch.ts';
import type { HoldfastWatchOptions, WatchEventOf } from './watch/watch-options.ts';
import type { WriteSummary } from './write-summary.ts';

/** A sublevel with the methods that a `Holdfast` has beside abstract-level's: they take its keys and encodings. */
export type HoldfastSublevel<TDatabase, KDefault = string, VDefault = string> = Pick<
  KeyedSublevel<TDatabase, KDefault, VDefault>,
  | 'get'
  | 'getMany'
  | 'write'
  | 'read'
  | 'increment'
  | 'transaction'
  | 'update'
  | 'watch'
  | 'ttl'
  | 'expire'
  | 'persist'
  | 'lock'
  | 'tryLock'
  | 'elect'
  | 'lease'
  | 'has'
  | 'hasMany'
  | 'put'
  | 'del'
  | 'batch'
  | 'clear'
  | 'iterator'
  | 'keys'
  | 'values'
> &
  NestedSublevels &
  LevelEmitter<KDefault, VDefault> &
  AbstractSublevel<TDatabase, Buffer, KDefault, VDefault>;

interface NestedSublevels {
  sublevel(name: string | string[]): HoldfastSublevel<this, string, string>;
  sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): HoldfastSublevel<this, K, V>;
}

export class KeyedSublevel<TDatabase, KDefault = string, VDefault = string> extends AbstractSublevel<
  TDatabase,
  Buffer,
  KDefault,
  VDefault
> {
  readonly #access: CallAccess;
  readonly #calls: KeyedCalls<KDefault, VDefault>;
  readonly #fallbacks: Fallbacks<KDefault, VDefault>;

  constructor(
    parent: TDatabase,
    name: string | string[],
    options: AbstractSublevelOptions<KDefault, VDefault> | undefined,
    access: CallAccess,
  ) {
    const manifest = { additionalMethods: SUBLEVEL_METHODS };
    super(parent, name as string, { ...options, manifest } as AbstractSublevelOptions<KDefault, VDefault>);
    copyGivenBytes(this);
    this.#access = access;
    this.#fallbacks = new Fallbacks<KDefault, VDefault>(false, (use) => access.onFallback(use));
    this.#calls = new KeyedCalls(this, access, this.#fallbacks);
  }

  override get(key: KDefault): Promise<VDefault | undefined>;
  override get<K = KDefault, V = VDefault>(key: K, options: HoldfastGetOptions<K, V>): Promise<V | undefined>;
  override get<K, V>(key: K, options?: HoldfastGetOptions<K, V>): Promise<unknown> {
    const get = (given?: HoldfastGetOptions<K, V>, own = key): Promise<V | undefined> =>
      super.get(own, this.#handedOn(given));
    const read = (): Promise<V | undefined> => this.#calls.deferral.held(get, options, key) ?? get(options);
    const fallback = this.#fallbacks.of<K, V>(options);
    return fallback === undefined ? read() : this.#fallbacks.value(read, key, fallback);
  }

  override getMany(keys: KDefault[]): Promise<(VDefault | undefined)[]>;
  override getMany<K = KDefault, V = VDefault>(
    keys: K[],
    options: HoldfastGetManyOptions<K, V>,
  ): Promise<(V | undefined)[]>;
  override getMany<K, V>(keys: K[], options?: HoldfastGetManyOptions<K, V>): Promise<unknown[]> {
    const get = (given?: HoldfastGetManyOptions<K, V>, own = keys): Promise<(V | undefined)[]> =>
      super.getMany(own, this.#handedOn(given));
    const read = (): Promise<(V | undefined)[]> =>
      this.#calls.deferral.held(get, options, keys) ?? get(options);
    const fallback = this.#fallbacks.of<K, V>(options);
    return fallback === undefined ? read() : this.#fallbacks.values(read, keys, fallback);
  }

  /** {@inheritDoc Holdfast.write} */
  async write<K = KDefault, V = VDefault>(
    operations: readonly HoldfastBatchOperation<this, K, V>[],
    options: HoldfastWriteOptions<K, V> = {},
  ): Promise<WriteSummary> {
    return this.#calls.write(operations, options);
  }

  /** {@inheritDoc Holdfast.read} */
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

  /** {@inheritDoc Holdfast.increment} */
  async increment<K = KDefault>(
    key: K,
    by = 1,
    options: HoldfastIncrementOptions<K> = {},
  ): Promise<{ readonly value: number; readonly revision: Revision }> {
    return this.#calls.increment(key, by, options);
  }

  /** {@inheritDoc Holdfast.transaction} */
  async transaction<K = KDefault, V = VDefault>(
    transaction: Transaction<K, V>,
    options: HoldfastTransactionOptions<K, V> = {},
  ): Promise<TransactionSummary<V>> {
    return this.#calls.transaction(transaction, options);
  }

  /** {@inheritDoc Holdfast.update} */
  async update<K = KDefault, V = VDefault>(
    key: K,
    change: Change<V>,
    options: HoldfastUpdateOptions<K, V> = {},
  ): Promise<UpdateSummary<V>> {
    return this.#calls.update(key, change, options);
  }

  /** {@inheritDoc Holdfast.watch} */
  watch(): Watch<KDefault, VDefault>;
  watch<K = KDefault, V = VDefault, Options extends HoldfastWatchOptions<K, V> = HoldfastWatchOptions<K, V>>(
    options: Options & HoldfastWatchOptions<K, V>,
  ): Watch<K, V, WatchEventOf<K, V, Options>>;
  watch<K, V>(options: HoldfastWatchOptions<K, V> = {}): Watch<K, V, never> {
    return this.#calls.watch(options);
  }

  /** {@inheritDoc Holdfast.ttl} */
  async ttl<K = KDefault>(key: K, options: HoldfastTtlOptions<K> = {}): Promise<number | undefined> {
    return this.#calls.ttl(key, options);
  }

  /** {@inheritDoc Holdfast.expire} */
  async expire<K = KDefault>(
    key: K,
    ttlMs: number,
    options: HoldfastExpireOptions<K> = {},
  ): Promise<boolean> {
    return this.#calls.expire(key, requiredTtl(ttlMs), options);
  }

  /** {@inheritDoc Holdfast.persist} */
  async persist<K = KDefault>(key: K, options: HoldfastExpireOptions<K> = {}): Promise<boolean> {
    return this.#calls.expire(key, undefined, options);
  }

  /** {@inheritDoc Holdfast.lock} */
  lock(name: string, options: HoldfastLockOptions = {}): Promise<Lock> {
    return this.#calls.lock(name, options);
  }

  /** {@inheritDoc Holdfast.tryLock} */
  tryLock(name: string, options: HoldfastLockOptions = {}): Promise<Lock | undefined> {
    return this.#calls.tryLock(name, options);
  }

  /** {@inheritDoc Holdfast.elect} */
  elect(name: string, options?: Omit<HoldfastElectOptions<null>, 'value'>): Election<null>;
  elect<V>(name: string, options: HoldfastElectOptions<V>): Election<V>;
  elect<V>(name: string, options: Partial<HoldfastElectOptions<V>> = {}): Election<V | null> {
    return this.#calls.elect(name, options);
  }

  /** {@inheritDoc Holdfast.lease} */
  lease(options: HoldfastLeaseOptions = {}): Promise<Lease<KDefault, VDefault>> {
    return this.#calls.lease(options);
  }

  // abstract-level's methods, with the options that they hand on to the database.

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

  _chainedBatch(): AbstractChainedBatch<this, never, never> {
    return new EncodedChainedBatch<this, never, never>(this);
  }

  /** Its parent is asked with keys and values that no fallback knows. */
  #handedOn<Options extends { fallback?: unknown }>(options: Options | undefined): Options {
    const isNamed = options?.fallback !== undefined;
    return isNamed || this.#access.hasFallback ? withoutFallback(options) : (options as Options);
  }

  /** Undocumented in abstract-level's types: makes what `sublevel` gives. */
  _sublevel(name: string | string[], options: AbstractSublevelOptions<never, never>): unknown {
    return new KeyedSublevel(this, name, options, this.#access);
  }
}
