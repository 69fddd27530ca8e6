import type {
  AbstractBatchOperation,
  AbstractIterator,
  AbstractKeyIterator,
  AbstractOpenOptions,
  AbstractValueIterator,
} from 'abstract-level';
import { Holdfast } from './holdfast.ts';
import { invalidOption } from './invalid-option.ts';
import type { HoldfastGetManyOptions, HoldfastGetOptions, HoldfastOptions } from './options.ts';

/** How `level` tunes LevelDB. Taken, so that code need not be taken apart; nodes tune their own. */
interface LevelTuning {
  readonly compression?: boolean | undefined;
  readonly cacheSize?: number | undefined;
  readonly writeBufferSize?: number | undefined;
  readonly blockSize?: number | undefined;
  readonly maxOpenFiles?: number | undefined;
  readonly blockRestartInterval?: number | undefined;
  readonly maxFileSize?: number | undefined;
  readonly multithreading?: boolean | undefined;
}

export type OpenOptions = AbstractOpenOptions & LevelTuning;
export type DatabaseOptions<K, V> = HoldfastOptions<K, V> & Omit<OpenOptions, 'passive'>;

/**
 * `Level` of `level`, on a cluster: code written for it moves by changing the import and the location. What
 * differs is told in docs/client.md; all that Holdfast adds is there as well.
 */
export class Level<KDefault = string, VDefault = string> extends Holdfast<KDefault, VDefault> {
  readonly #location: string;

  /** `location`: as Holdfast takes it. */
  constructor(location: string, options?: DatabaseOptions<KDefault, VDefault>) {
    super(location, options);
    this.#location = location;
  }

  /** As passed to the constructor. */
  get location(): string {
    return this.#location;
  }

  override open(): Promise<void>;
  override open(options: OpenOptions): Promise<void>;
  override open(options?: OpenOptions): Promise<void> {
    return super.open(options as OpenOptions);
  }

  // Typed as `level` types them, so that its programs compile: what is not there is `undefined` all the same, as with it.

  override get(key: KDefault): Promise<VDefault>;
  override get<K = KDefault, V = VDefault>(key: K, options: HoldfastGetOptions<K, V>): Promise<V>;
  override get<K, V>(key: K, options?: HoldfastGetOptions<K, V>): Promise<never> {
    return super.get<K, V>(key, options as HoldfastGetOptions<K, V>) as Promise<never>;
  }

  override getMany(keys: KDefault[]): Promise<VDefault[]>;
  override getMany<K = KDefault, V = VDefault>(
    keys: K[],
    options: HoldfastGetManyOptions<K, V>,
  ): Promise<V[]>;
  override getMany<K, V>(keys: K[], options?: HoldfastGetManyOptions<K, V>): Promise<never[]> {
    return super.getMany<K, V>(keys, options as HoldfastGetManyOptions<K, V>) as Promise<never[]>;
  }

  /** A cluster's database exists before anybody opens it; whoever insists that it does not must not be let down. */
  override async _open(options?: AbstractOpenOptions): Promise<void> {
    if (options?.errorIfExists === true)
      throw invalidOption('errorIfExists', true, 'false: a database of a cluster always exists');
    await super._open();
  }
}

// Under the names that `level` gives them.

export type {
  HoldfastBatchOptions as BatchOptions,
  HoldfastChainedBatch as ChainedBatch,
  HoldfastClearOptions as ClearOptions,
  HoldfastDelOptions as DelOptions,
  HoldfastGetManyOptions as GetManyOptions,
  HoldfastGetOptions as GetOptions,
  HoldfastIteratorOptions as IteratorOptions,
  HoldfastKeyIteratorOptions as KeyIteratorOptions,
  HoldfastPutOptions as PutOptions,
  HoldfastValueIteratorOptions as ValueIteratorOptions,
} from './options.ts';
export type BatchOperation<TDatabase, K, V> = AbstractBatchOperation<TDatabase, K, V>;
export type Iterator<TDatabase, K, V> = AbstractIterator<TDatabase, K, V>;
export type KeyIterator<TDatabase, K> = AbstractKeyIterator<TDatabase, K>;
export type ValueIterator<TDatabase, K, V> = AbstractValueIterator<TDatabase, K, V>;
