import { HoldfastError, type NodeId, type Revision } from '@holdfast/types';
import { CallTime } from './call-time.ts';
import { AS_LONG_AS_IT_TAKES, type CallEnd, Deferral } from './deferral.ts';
import { encodedConditions, encodedOperation, hookedOperation } from './encoded-arguments.ts';
import type { Fallbacks, FallbackUse } from './fallbacks.ts';
import { Home } from './home.ts';
import { invalidOption } from './invalid-option.ts';
import type { Lease } from './leases/lease.ts';
import { LeaseDesk } from './leases/lease-desk.ts';
import type { HoldfastLeaseOptions } from './leases/lease-options.ts';
import type { Election } from './locks/election.ts';
import type { Lock } from './locks/lock.ts';
import { type LockAccess, LockDesk } from './locks/lock-desk.ts';
import type { HoldfastElectOptions, HoldfastLockOptions } from './locks/lock-options.ts';
import {
  type CallOptions,
  checkedFallback,
  checkedFlag,
  checkedNames,
  checkedSignal,
  checkedTtl,
  type HoldfastBatchOperation,
  type HoldfastExpireOptions,
  type HoldfastIncrementOptions,
  type HoldfastReadOptions,
  type HoldfastTtlOptions,
  type HoldfastUpdateOptions,
  type HoldfastWriteOptions,
} from './options.ts';
import { PrewriteHooks } from './prewrite-hooks.ts';
import type { Requests } from './requests.ts';
import type { Seams } from './seams.ts';
import type { ServedAnswer } from './session/call.ts';
import {
  encodedTransaction,
  type HoldfastTransactionOptions,
  shapeOf,
  stepResults,
  type Transaction,
  type TransactionSummary,
  withTransactionAck,
} from './transaction.ts';
import { Watch } from './watch/watch.ts';
import { checkWatchOptions, type HoldfastWatchOptions } from './watch/watch-options.ts';
import type { WatchSource } from './watch/watch-source.ts';
import { conditionsOf } from './write-request.ts';
import { summaryOf, type WriteSummary } from './write-summary.ts';

export interface ReadSummary<V> {
  readonly value: V;
  /** Of the key; 0: it is not there, or a `fallback` spoke for it. */
  readonly revision: Revision;
  /**
   * Milliseconds that the state read may be behind; 0 for linearizable, undefined when the node cannot tell. Of a snapshot
   * when it is read, which is longer than when it was taken.
   */
  readonly staleness: number | undefined;
  /** Undefined: no node, a `fallback` gave it. */
  readonly servedBy: NodeId | undefined;
  /** The key lives at least so long from the answer on, milliseconds; 0: it is due. Undefined: it does not expire. */
  readonly ttlMs: number | undefined;
  /** It is less than was asked for: an older state, or what a `fallback` gave. */
  readonly degraded?: 'stale-read' | 'fallback';
}

/** Of a key that is not there, if `read` is asked to tell of that as well. */
export type AbsentSummary = ReadSummary<undefined>;

/** What became of an `update`. */
export interface UpdateSummary<V> {
  /** What the key holds now, but for what a prewrite hook made of it; undefined: nothing. */
  readonly value: V | undefined;
  /** Of the key; 0: it is absent and was before. */
  readonly revision: Revision;
  /** False: the function wanted no change. */
  readonly changed: boolean;
  /** How often the function was called. */
  readonly tries: number;
}

/** What a function given to `update` makes of a value: the new one, `null` to delete the key, `undefined` for no change. */
export type Change<V> = (value: V | undefined) => V | null | undefined | PromiseLike<V | null | undefined>;

/** What `KeyedCalls` need of the root database. */
export interface CallAccess {
  /** Throws if it is not open. */
  requests(): Requests;
  readonly seams: Seams;
  /** Of a call that names none, milliseconds. */
  readonly timeoutMs: number;
  readonly openTimeoutMs: number;
  /** Who holds the locks that are taken here, for people. */
  readonly holder: LockAccess['holder'];
  /** The caller's key of a stored one, with the prefix of its sublevel. */
  ownKey(stored: Uint8Array): Uint8Array;
  /** It has a `fallback` of its own, which is for its own reads. */
  readonly hasFallback: boolean;
  onFallback(use: FallbackUse): void;
}

/** One mistyped would leave its write without its condition. */
const WRITE_NAMES = [
  'keyEncoding',
  'valueEncoding',
  'ack',
  'timeoutMs',
  'signal',
  'whenNoPrimary',
  'ifRevision',
  'ifAbsent',
  'conditions',
];
const TTL_NAMES = [
  'keyEncoding',
  'snapshot',
  'consistency',
  'readPreference',
  'maxStalenessMs',
  'after',
  'degrade',
  'timeoutMs',
  'signal',
  'whenNoPrimary',
];
const READ_NAMES = [...TTL_NAMES, 'valueEncoding', 'fallback', 'tellAbsent'];
const DECIDED_NAMES = ['keyEncoding', 'ack', 'timeoutMs', 'signal', 'whenNoPrimary'];
const UPDATE_NAMES = [...DECIDED_NAMES, 'valueEncoding', 'ttlMs'];
/** Of a key that is not there. */
const ABSENT = 0 as Revision;
/** Longest pause of an update before it tries again. The first is up to 2 ms. */
const PAUSE_MS_MAX = 64;

/** The methods beside abstract-level's, for a database or one of its sublevels. */
export class KeyedCalls<KDefault, VDefault> {
  readonly #home: Home;
  readonly #hooks: PrewriteHooks;
  readonly #access: CallAccess;
  /** Of abstract-level's methods as well. */
  readonly deferral: Deferral;
  readonly #fallbacks: Fallbacks<KDefault, VDefault>;
  readonly #locks: LockDesk;
  readonly #leases: LeaseDesk<KDefault, VDefault>;

  constructor(db: unknown, access: CallAccess, fallbacks: Fallbacks<KDefault, VDefault>) {
    this.#home = new Home(db);
    this.#hooks = new PrewriteHooks(db);
    this.#access = access;
    this.#fallbacks = fallbacks;
    const { timeoutMs, openTimeoutMs } = access;
    this.deferral = new Deferral(db, { clock: access.seams.clock, timeoutMs, openTimeoutMs });
    this.#locks = new LockDesk(this.#home, this.deferral, access);
    this.#leases = new LeaseDesk(this.#home, access);
  }

  async write<K = KDefault, V = VDefault>(
    operations: readonly HoldfastBatchOperation<unknown, K, V>[],
    options: HoldfastWriteOptions<K, V>,
  ): Promise<WriteSummary> {
    const held = this.deferral.heldOrOpen((left, own) => this.write(own, left), options, operations);
    if (held !== undefined) return held;
    const requests = this.#access.requests();
    checkedNames('options', options, WRITE_NAMES);
    if (!Array.isArray(operations) || operations.length === 0) {
      throw invalidOption('operations', operations, 'an array of at least one operation');
    }
    const encoded = this.#hooks.areNone
      ? operations.map((operation) => encodedOperation(this.#home, operation, options))
      : this.#hooks.run(operations.map((operation) => hookedOperation(operation, options)));
    // Of what its caller writes, not of what hooks add.
    const conditions = conditionsOf(encoded.slice(0, operations.length), {
      ...options,
      conditions: encodedConditions(this.#home, options),
    });
    const summary = summaryOf(await requests.batch(encoded, options, conditions));
    // Each operation has a revision; those that hooks added are the last.
    const added = encoded.length - operations.length;
    return added === 0 ? summary : { ...summary, revision: (summary.revision - added) as Revision };
  }

  async read<K = KDefault, V = VDefault>(
    key: K,
    options: HoldfastReadOptions<K, V>,
  ): Promise<ReadSummary<V | undefined> | undefined> {
    checkedNames('options', options, READ_NAMES);
    const isAbsentTold = checkedFlag('tellAbsent', options.tellAbsent);
    const fallback = this.#fallbacks.of<K, V>(options);
    checkedFallback(fallback);
    try {
      const found = await this.#read<K, V>(key, options);
      return isAbsentTold || found.revision !== ABSENT ? found : undefined;
    } catch (error) {
      if (fallback === undefined) throw error;
      const value = await this.#fallbacks.use(error, key, fallback);
      const nobody = { staleness: undefined, servedBy: undefined, ttlMs: undefined };
      const given = { value, revision: ABSENT, ...nobody, degraded: 'fallback' } as const;
      return isAbsentTold || value !== undefined ? given : undefined;
    }
  }

  async #read<K, V>(key: K, options: HoldfastReadOptions<K, V>): Promise<ReadSummary<V | undefined>> {
    const { answer, node, isDegraded } = await this.#served(key, options);
    const item = answer.items[0];
    return {
      value: item && this.#home.decodedValue<V>(item.value, options.valueEncoding),
      revision: item?.revision ?? ABSENT,
      staleness: answer.stalenessMs < 0 ? undefined : answer.stalenessMs,
      servedBy: node,
      ttlMs: item?.ttlMs,
      ...(isDegraded ? { degraded: 'stale-read' } : {}),
    };
  }

  async ttl<K = KDefault>(key: K, options: HoldfastTtlOptions<K>): Promise<number | undefined> {
    checkedNames('options', options, TTL_NAMES);
    const { answer } = await this.#served(key, options);
    const [item] = answer.items;
    return item === undefined ? undefined : (item.ttlMs ?? Number.POSITIVE_INFINITY);
  }

  /** `ttlMs` undefined: without end. */
  async expire<K = KDefault>(
    key: K,
    ttlMs: number | undefined,
    options: HoldfastExpireOptions<K>,
  ): Promise<boolean> {
    const held = this.deferral.heldOrOpen((left, own) => this.expire(own, ttlMs, left), options, key);
    if (held !== undefined) return held;
    const requests = this.#access.requests();
    checkedNames('options', options, DECIDED_NAMES);
    const bytes = this.#home.prefixedKey(key, options.keyEncoding);
    const step =
      ttlMs === undefined
        ? ({ kind: 'expire', key: bytes } as const)
        : { kind: 'expire' as const, key: bytes, ttlMs };
    const { result } = await requests.transaction(
      { conditions: [], operations: [step], otherwise: [] },
      withTransactionAck(options, requests.defaultAck),
    );
    return result.kind === 'transaction' && result.steps[0]?.kind === 'changed';
  }

  async increment<K = KDefault>(
    key: K,
    by: number,
    options: HoldfastIncrementOptions<K>,
  ): Promise<{ readonly value: number; readonly revision: Revision }> {
    const held = this.deferral.heldOrOpen((left, own) => this.increment(own, by, left), options, key);
    if (held !== undefined) return held;
    const requests = this.#access.requests();
    checkedNames('options', options, DECIDED_NAMES);
    if (!Number.isSafeInteger(by)) throw invalidOption('by', by, 'a safe integer');
    const bytes = this.#home.prefixedKey(key, options.keyEncoding);
    const { result } = await requests.increment(bytes, by, withTransactionAck(options, requests.defaultAck));
    return { value: result.kind === 'counter' ? result.value : 0, revision: result.revision };
  }

  async transaction<K = KDefault, V = VDefault>(
    transaction: Transaction<K, V>,
    options: HoldfastTransactionOptions<K, V>,
  ): Promise<TransactionSummary<V>> {
    const held = this.deferral.heldOrOpen((left, own) => this.transaction(own, left), options, transaction);
    if (held !== undefined) return held;
    const requests = this.#access.requests();
    const encoded = encodedTransaction(this.#home, transaction, options, this.#hooks);
    const shape = shapeOf(this.#home, transaction, options);
    const receipt = await requests.transaction(encoded, withTransactionAck(options, requests.defaultAck));
    const { result, term, ack, copies, repeated } = receipt;
    const branch = result.kind === 'transaction' ? result.branch : 'else';
    const results = result.kind === 'transaction' ? result.steps : [];
    const steps = stepResults<V>(shape[branch], results);
    return { branch, steps, revision: result.revision, term, ack, copies, repeated };
  }

  /** Each try reads the newest state, and writes only if nobody else has written since. */
  async update<K = KDefault, V = VDefault>(
    key: K,
    change: Change<V>,
    options: HoldfastUpdateOptions<K, V>,
  ): Promise<UpdateSummary<V>> {
    const held = this.deferral.heldOrOpen((left, own) => this.update(own, change, left), options, key);
    if (held !== undefined) return held;
    const requests = this.#access.requests();
    checkedNames('options', options, UPDATE_NAMES);
    if (typeof change !== 'function') throw invalidOption('change', change, 'a function');
    const { ack } = withTransactionAck(options, requests.defaultAck);
    const ttlMs = checkedTtl(options.ttlMs);
    const { keyEncoding, valueEncoding } = options;
    const { whenNoPrimary } = options;
    const common = { keyEncoding, valueEncoding, whenNoPrimary };
    const time = new CallTime(
      this.#access.seams,
      requests.timeoutMs(options as CallOptions),
      checkedSignal(options.signal),
    );
    for (let tries = 1; ; tries += 1) {
      const found = await this.#read<K, V>(key, {
        ...common,
        ...time.left(),
        consistency: 'linearizable',
      });
      const value = await time.within(change(found.value));
      const { revision } = found;
      if (value === undefined || (value === null && revision === ABSENT))
        return { value: found.value, revision, changed: false, tries };
      const operation =
        value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value, ttlMs } as const);
      try {
        const written = await this.write<K, V>([operation], {
          ...common,
          ...time.left(),
          ack,
          ifRevision: revision,
        });
        return { value: value ?? undefined, revision: written.revision, changed: true, tries };
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_CONFLICT') throw error;
        time.obstacle = error;
      }
      await time.pause(Math.min(2 ** tries, PAUSE_MS_MAX));
    }
  }

  watch<K, V, Event>(options: HoldfastWatchOptions<K, V>): Watch<K, V, Event> {
    checkWatchOptions(options);
    const home = this.#home;
    const bounds = home.prefixedBounds(options, options.keyEncoding);
    const { from, initial = false, previousValue = false, readPreference } = options;
    const open = async ({ timeoutMs }: CallEnd): Promise<WatchSource> =>
      this.#access.requests().watch(
        {
          bounds,
          from: from as Revision | undefined,
          initial,
          previousValues: previousValue,
          options: { readPreference, timeoutMs },
        },
        this.#access.seams,
      );
    const end = { timeoutMs: options.timeoutMs, signal: options.signal };
    const source = this.deferral.heldOrOpen(open, end) ?? open(end);
    return new Watch({ home, options, source, ownKey: (stored) => this.#access.ownKey(stored) });
  }

  async lock(name: string, options: HoldfastLockOptions): Promise<Lock> {
    const call = (left: HoldfastLockOptions): Promise<Lock> => this.#locks.lock(name, left);
    return this.deferral.heldOrOpen(call, options, undefined, AS_LONG_AS_IT_TAKES) ?? call(options);
  }

  async tryLock(name: string, options: HoldfastLockOptions): Promise<Lock | undefined> {
    const call = (left: HoldfastLockOptions): Promise<Lock | undefined> => this.#locks.tryLock(name, left);
    return this.deferral.heldOrOpen(call, options) ?? call(options);
  }

  elect<Announced>(
    name: string,
    options: Partial<HoldfastElectOptions<Announced>>,
  ): Election<Announced | null> {
    return this.#locks.elect(name, options);
  }

  async lease(options: HoldfastLeaseOptions): Promise<Lease<KDefault, VDefault>> {
    return (
      this.deferral.heldOrOpen((left) => this.#leases.lease(left), options) ?? this.#leases.lease(options)
    );
  }

  async #served<K>(key: K, options: HoldfastTtlOptions<K>): Promise<ServedAnswer> {
    const held = this.deferral.heldOrOpen((left, own) => this.#served(own, left), options, key);
    if (held !== undefined) return held;
    const requests = this.#access.requests();
    const bytes = this.#home.prefixedKey(key, options.keyEncoding);
    options.snapshot?.ref();
    try {
      return await requests.read(bytes, options);
    } finally {
      options.snapshot?.unref();
    }
  }
}
