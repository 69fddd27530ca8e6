import { type Ack, type Consistency, HoldfastError, LIMITS, type Revision } from '@holdfast/types';
import type {
  AbstractBatchDelOperation,
  AbstractBatchOptions,
  AbstractBatchPutOperation,
  AbstractChainedBatch,
  AbstractChainedBatchPutOptions,
  AbstractChainedBatchWriteOptions,
  AbstractClearOptions,
  AbstractDatabaseOptions,
  AbstractDelOptions,
  AbstractGetManyOptions,
  AbstractGetOptions,
  AbstractHasManyOptions,
  AbstractHasOptions,
  AbstractIteratorOptions,
  AbstractKeyIteratorOptions,
  AbstractPutOptions,
  AbstractValueIteratorOptions,
} from 'abstract-level';
import { type ClientLogger, checkedLogger } from './client-log.ts';
import { invalidOption } from './invalid-option.ts';
import { meantBy } from './mistyped.ts';
import type { LaneOptions } from './resilience/lane-limits.ts';
import type { ResilienceOptions } from './resilience/resilience-options.ts';
import type { Seams } from './seams.ts';
import type { WhenNoPrimary } from './session/call.ts';
import { clientLimits } from './session/client-limits.ts';
import type { ReadPreference } from './session/read-routes.ts';

/** What a read that cannot have what it asks for may come to: nothing, or the state of a standby, with its age told. */
export type Degrade = 'none' | 'stale-reads';

/**
 * Gives the value of a key that could not be read, in the database's place; undefined: there is none. `error` says why
 * it could not.
 */
export type Fallback<K, V> = (error: HoldfastError, key: K) => V | undefined | PromiseLike<V | undefined>;

export interface HoldfastOptions<K, V>
  extends Pick<AbstractDatabaseOptions<K, V>, 'keyEncoding' | 'valueEncoding'> {
  /**
   * A key space of its own, 1 to 128 bytes of UTF-8: what one namespace holds no other sees, nor who has none.
   * Instances with a namespace share the links and the session of their process.
   */
  readonly namespace?: string | undefined;
  /** Keys as the cluster stores them, those of all namespaces and of Holdfast itself: for tools. */
  readonly rawKeys?: boolean | undefined;
  /** Level of writes that name none; by default the one the nodes are configured with. */
  readonly ack?: Ack | undefined;
  /** Of reads that name none; by default `linearizable`, or `session` if writes are `local`. */
  readonly consistency?: Consistency | undefined;
  /** Of reads that name none; `primary` by default. */
  readonly readPreference?: ReadPreference | undefined;
  /**
   * Of reads that name neither this nor a `consistency`; `none` by default. `stale-reads`: rather than not at all they
   * are answered at `eventual`, and say so: `degraded` and `staleness` of `read`, and the event `degraded`.
   */
  readonly degrade?: Degrade | undefined;
  /** Of reads that name none: how old an `eventual` answer may be, milliseconds. No bound by default. */
  readonly maxStalenessMs?: number | undefined;
  /** Of `get`, `getMany` and `read` of this database that name none; those of its sublevels name their own. */
  readonly fallback?: Fallback<K, V> | false | undefined;
  /** Of calls that name none: `wait` for their deadline (the default), or `fail` with HOLDFAST_NO_PRIMARY. */
  readonly whenNoPrimary?: WhenNoPrimary | undefined;
  /** Time for a call that names none, milliseconds; 5000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Time for the first node to answer, milliseconds; 5000 by default. Without effect if `lazy`. */
  readonly openTimeoutMs?: number | undefined;
  /**
   * `true`: `open()` waits for no node. Calls made before one is in reach wait for it as they do after an outage, each
   * until its deadline: HOLDFAST_NO_PRIMARY then, whose `cause` says why none was.
   */
  readonly lazy?: boolean | undefined;
  /** Time that `close()` leaves to pending calls, milliseconds; 1000 by default. */
  readonly closeTimeoutMs?: number | undefined;
  /** Calls that may wait for an answer; beyond: HOLDFAST_CLIENT_QUEUE_FULL. 100 000 by default. */
  readonly pendingCallsMax?: number | undefined;
  /** Bytes of keys and values that may wait for an answer; 256 MiB by default. */
  readonly pendingBytesMax?: number | undefined;
  /**
   * How much of both calls of one kind may take: half for writes, two fifths for reads of keys, a twentieth each for
   * range reads and for watches.
   */
  readonly lanes?: LaneOptions | undefined;
  /** Told to the nodes, for people; 256 bytes of UTF-8 at most. */
  readonly name?: string | undefined;
  /**
   * Told at the level `debug` what the client goes through: another primary, nodes out of reach and back, breakers, calls
   * that are sent again. pino's will do, or any with its way of calling.
   */
  readonly logger?: ClientLogger | undefined;
  /** Repeats of failed attempts: their pauses, and the budget that bounds them. See docs/resilience.md for all three. */
  readonly retry?: ResilienceOptions['retry'];
  /** When a node is left out. */
  readonly breaker?: ResilienceOptions['breaker'];
  /** How calls that waited through an outage are let go. */
  readonly release?: ResilienceOptions['release'];
  /** When a read of keys that is not answered yet is asked of a second node as well: `{ percentile: 95 }`, say. Never by default. */
  readonly hedge?: ResilienceOptions['hedge'];
  /** When calls that choose to, by `degrade` or `whenNoPrimary`, are told that there is no primary. */
  readonly degradation?: ResilienceOptions['degradation'];
  /** Network, clock and randomness, for simulation; the real ones by default. */
  readonly seams?: Seams | undefined;
}

/**
 * Of a call that waited for its database to open: when its time is up, by the clock of its client. It goes with options
 * through methods of abstract-level, unseen by whoever looks at names.
 */
export const DEADLINE: unique symbol = Symbol('deadline');

/** What every call takes. */
export interface CallOptions {
  /** Milliseconds from now; HOLDFAST_DEADLINE_EXCEEDED or HOLDFAST_NO_PRIMARY after that. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call at once with HOLDFAST_ABORTED, which states what is known of a write's outcome. */
  readonly signal?: AbortSignal | undefined;
  /** Without a primary in reach for a while (`degradation.afterMs`): `wait` on, or `fail` if it was not sent. */
  readonly whenNoPrimary?: WhenNoPrimary | undefined;
}

export interface WriteCallOptions extends CallOptions {
  /** Reached before the call succeeds, or the call fails. */
  readonly ack?: Ack | undefined;
}

export interface ReadCallOptions extends CallOptions {
  readonly consistency?: Consistency | undefined;
  /**
   * Whom to ask, if possible: the `primary`, a `standby` (in turns), or those that are `nearest` by round trip (in turns
   * if several are within 2 ms). Of any consistency: of a linearizable read a standby asks the primary what it must hold.
   */
  readonly readPreference?: ReadPreference | undefined;
  /** Only for what is read at `eventual`: HOLDFAST_TOO_STALE if no node can do better, milliseconds. */
  readonly maxStalenessMs?: number | undefined;
  /** `stale-reads`: `eventual` rather than not at all. Neither `after` nor what this client has seen holds then. */
  readonly degrade?: Degrade | undefined;
  /** The state read holds this revision: the `token()` of another client, or a receipt's revision. */
  readonly after?: number | undefined;
}

/** Of what is put. */
interface TimeToLive {
  /**
   * Milliseconds that the key lives, counted from when the write is carried out: it is deleted after that, and not
   * before, whatever clocks say. Without it the key stays, whatever it had before. Above 0, a hundred years at most.
   */
  readonly ttlMs?: number | undefined;
}

/** Options that code written for `level` gives to LevelDB. They are taken, and change nothing. */
interface LevelReadHints {
  readonly fillCache?: boolean | undefined;
}
interface LevelRangeHints extends LevelReadHints {
  readonly highWaterMarkBytes?: number | undefined;
}
interface LevelWriteHints {
  /** Whatever is acknowledged is on stable storage, at every level. */
  readonly sync?: boolean | undefined;
}

interface WriteOptions extends WriteCallOptions, LevelWriteHints {}
interface ReadOptions extends ReadCallOptions, LevelReadHints {}
interface FallbackOptions<K, V> {
  /** Called when the read has failed for want of an answer; `false`: not even the database's. */
  readonly fallback?: Fallback<K, V> | false | undefined;
}
/** Their signal is abstract-level's. */
interface RangeReadOptions extends Omit<ReadCallOptions, 'signal'>, LevelRangeHints {}

export interface HoldfastPutOptions<K, V> extends AbstractPutOptions<K, V>, WriteOptions, TimeToLive {}
export interface HoldfastDelOptions<K> extends AbstractDelOptions<K>, WriteOptions {}
/** `ttlMs`: of the puts that name none. */
export interface HoldfastBatchOptions<K, V> extends AbstractBatchOptions<K, V>, WriteOptions, TimeToLive {}
export type HoldfastBatchOperation<TDatabase, K, V> =
  | (AbstractBatchPutOperation<TDatabase, K, V> & TimeToLive)
  | AbstractBatchDelOperation<TDatabase, K>;
export interface HoldfastClearOptions<K> extends AbstractClearOptions<K>, WriteCallOptions {}
export interface HoldfastGetOptions<K, V>
  extends AbstractGetOptions<K, V>,
    ReadOptions,
    FallbackOptions<K, V> {}
export interface HoldfastGetManyOptions<K, V>
  extends AbstractGetManyOptions<K, V>,
    ReadOptions,
    FallbackOptions<K, V> {}
export interface HoldfastHasOptions<K> extends AbstractHasOptions<K>, ReadOptions {}
export interface HoldfastHasManyOptions<K> extends AbstractHasManyOptions<K>, ReadOptions {}
export interface HoldfastIteratorOptions<K, V> extends AbstractIteratorOptions<K, V>, RangeReadOptions {}
export interface HoldfastKeyIteratorOptions<K> extends AbstractKeyIteratorOptions<K>, RangeReadOptions {}
export interface HoldfastValueIteratorOptions<K, V>
  extends AbstractValueIteratorOptions<K, V>,
    RangeReadOptions {}

export interface HoldfastChainedBatch<TDatabase, K, V> extends AbstractChainedBatch<TDatabase, K, V> {
  put(key: K, value: V): this;
  put<K2 = K, V2 = V>(
    key: K2,
    value: V2,
    options: AbstractChainedBatchPutOptions<TDatabase, K2, V2> & TimeToLive,
  ): this;
  write(): Promise<void>;
  write(options: AbstractChainedBatchWriteOptions & WriteOptions): Promise<void>;
}

export interface HoldfastReadOptions<K, V> extends ReadCallOptions, FallbackOptions<K, V> {
  readonly snapshot?: AbstractGetOptions<K, V>['snapshot'];
  readonly keyEncoding?: AbstractGetOptions<K, V>['keyEncoding'];
  readonly valueEncoding?: AbstractGetOptions<K, V>['valueEncoding'];
  /**
   * Of a key that is not there, give a summary without a value instead of nothing: it tells how old the state is in which
   * there is no such key, and whether that is less than was asked for.
   */
  readonly tellAbsent?: boolean | undefined;
}

export interface HoldfastWriteOptions<K, V> extends WriteCallOptions {
  readonly keyEncoding?: AbstractPutOptions<K, V>['keyEncoding'];
  readonly valueEncoding?: AbstractPutOptions<K, V>['valueEncoding'];
  /** Only if the one key written has this revision; 0: only if it is absent. */
  readonly ifRevision?: number | undefined;
  /** Only if the one key written is absent. */
  readonly ifAbsent?: boolean | undefined;
  /** All must hold, of whatever keys. `revision` 0: absent. */
  readonly conditions?: readonly { readonly key: K; readonly revision: number }[] | undefined;
}

export interface HoldfastUpdateOptions<K, V> extends CallOptions, TimeToLive {
  readonly keyEncoding?: AbstractPutOptions<K, V>['keyEncoding'];
  readonly valueEncoding?: AbstractPutOptions<K, V>['valueEncoding'];
  /** An update is decided by what was there before: `quorum` at least. */
  readonly ack?: Exclude<Ack, 'local'> | undefined;
}

/** An increment is decided by what was there before: `quorum` at least. */
export interface HoldfastIncrementOptions<K> extends CallOptions {
  readonly keyEncoding?: AbstractPutOptions<K, unknown>['keyEncoding'];
  readonly ack?: Exclude<Ack, 'local'> | undefined;
}

/** Of `expire` and `persist`, which are decided by what is there: `quorum` at least. */
export interface HoldfastExpireOptions<K> extends CallOptions {
  readonly keyEncoding?: AbstractPutOptions<K, unknown>['keyEncoding'];
  readonly ack?: Exclude<Ack, 'local'> | undefined;
}

/** Of `ttl`: a read. */
export interface HoldfastTtlOptions<K> extends ReadCallOptions {
  readonly snapshot?: AbstractGetOptions<K, unknown>['snapshot'];
  readonly keyEncoding?: AbstractGetOptions<K, unknown>['keyEncoding'];
}

/** What calls without options of their own go by. */
export interface CallDefaults {
  readonly ack?: Ack | undefined;
  readonly consistency?: Consistency | undefined;
  readonly readPreference?: ReadPreference | undefined;
  readonly degrade?: Degrade | undefined;
  readonly maxStalenessMs?: number | undefined;
  readonly whenNoPrimary?: WhenNoPrimary | undefined;
  readonly timeoutMs: number;
}

const ACKS: ReadonlySet<unknown> = new Set<Ack>(['local', 'quorum', 'all']);
const CONSISTENCIES: ReadonlySet<unknown> = new Set<Consistency>(['linearizable', 'session', 'eventual']);
const READ_PREFERENCES: ReadonlySet<unknown> = new Set<ReadPreference>(['primary', 'standby', 'nearest']);

export function checkedAck(ack: Ack | undefined): Ack | undefined {
  if (ack === undefined || ACKS.has(ack)) return ack;
  throw invalidOption('ack', ack, "'local', 'quorum' or 'all'");
}

export function checkedConsistency(consistency: Consistency | undefined): Consistency | undefined {
  if (consistency === undefined || CONSISTENCIES.has(consistency)) return consistency;
  throw invalidOption('consistency', consistency, "'linearizable', 'session' or 'eventual'");
}

const DEGRADES: ReadonlySet<unknown> = new Set<Degrade>(['none', 'stale-reads']);
const WHEN_NO_PRIMARY: ReadonlySet<unknown> = new Set<WhenNoPrimary>(['wait', 'fail']);

export function checkedDegrade(degrade: Degrade | undefined): Degrade | undefined {
  if (degrade === undefined || DEGRADES.has(degrade)) return degrade;
  throw invalidOption('degrade', degrade, "'none' or 'stale-reads'");
}

export function checkedWhenNoPrimary(choice: WhenNoPrimary | undefined): WhenNoPrimary | undefined {
  if (choice === undefined || WHEN_NO_PRIMARY.has(choice)) return choice;
  throw invalidOption('whenNoPrimary', choice, "'wait' or 'fail'");
}

export function checkedFallback<K, V>(
  fallback: Fallback<K, V> | false | undefined,
): Fallback<K, V> | false | undefined {
  if (fallback === undefined || fallback === false || typeof fallback === 'function') return fallback;
  throw invalidOption('fallback', fallback, 'a function or false');
}

export function checkedReadPreference(preference: ReadPreference | undefined): ReadPreference | undefined {
  if (preference === undefined || READ_PREFERENCES.has(preference)) return preference;
  throw invalidOption('readPreference', preference, "'primary', 'standby' or 'nearest'");
}

const NAMES: ReadonlySet<string> = new Set([
  'keyEncoding',
  'valueEncoding',
  'namespace',
  'rawKeys',
  'ack',
  'consistency',
  'readPreference',
  'degrade',
  'maxStalenessMs',
  'fallback',
  'whenNoPrimary',
  'timeoutMs',
  'openTimeoutMs',
  'lazy',
  'closeTimeoutMs',
  'pendingCallsMax',
  'pendingBytesMax',
  'name',
  'logger',
  'lanes',
  'retry',
  'breaker',
  'release',
  'degradation',
  'hedge',
  'seams',
  // abstract-level's own.
  'passive',
  'createIfMissing',
  'errorIfExists',
  // Those of `level`, which tune LevelDB: taken, so that code need not be taken apart.
  'compression',
  'cacheSize',
  'writeBufferSize',
  'blockSize',
  'maxOpenFiles',
  'blockRestartInterval',
  'maxFileSize',
  'multithreading',
]);

const NAME_BYTES_MAX = 256;

/** Of a constructor. Throws HOLDFAST_INVALID_ARGUMENT. */
export function checkOptions<K, V>(options: HoldfastOptions<K, V>): void {
  // Others than these are left to hooks, which abstract-level hands all options on to.
  for (const name of Object.keys(options)) {
    const meant = meantBy(name, NAMES);
    if (meant !== undefined)
      throw invalidOption(name, options[name as keyof typeof options], `it as ${meant}`);
  }
  checkedAck(options.ack);
  checkedConsistency(options.consistency);
  checkedReadPreference(options.readPreference);
  checkedDegrade(options.degrade);
  checkedFallback(options.fallback);
  checkedWhenNoPrimary(options.whenNoPrimary);
  for (const name of [
    'maxStalenessMs',
    'timeoutMs',
    'openTimeoutMs',
    'closeTimeoutMs',
    'pendingCallsMax',
    'pendingBytesMax',
  ] as const) {
    checkedPositive(name, options[name]);
  }
  checkedFlag('lazy', options.lazy);
  checkName(options.name);
  checkedLogger(options.logger);
  clientLimits(options);
}

/** An option given as undefined is not given. */
export function definedOf<Options extends object>(options: Options): Options {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as Options;
}

/** A time or a number of something: finite and above 0. */
export function checkedPositive(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (typeof value === 'number' && value > 0 && Number.isFinite(value))) return value;
  throw invalidOption(name, value, 'a number above 0');
}

/** Whole milliseconds, rounded up: nothing expires early. */
export function checkedTtl(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value > 0 && value <= LIMITS.ttlMsMax) return Math.ceil(value);
  throw invalidOption('ttlMs', value, `milliseconds above 0 and up to ${LIMITS.ttlMsMax}`);
}

export function checkedRevision(name: string, value: number | undefined): Revision | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0))
    return value as Revision | undefined;
  throw invalidOption(name, value, 'a revision');
}

/** Of an object: nothing that is not known, so that a mistyped option does not go unheard. */
export function checkedNames(what: string, given: object, names: readonly string[]): void {
  if (typeof given !== 'object' || given === null) throw invalidOption(what, given, 'an object');
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    throw new HoldfastError(
      'HOLDFAST_INVALID_ARGUMENT',
      `${what}: there is no ${JSON.stringify(name)}, only ${names.join(', ')}`,
    );
  }
}

/** One that no node can read would be refused by each, as a greeting that breaks the rules. */
function checkName(name: string | undefined): void {
  if (name === undefined || (typeof name === 'string' && Buffer.byteLength(name) <= NAME_BYTES_MAX)) return;
  throw invalidOption('name', name, `text of at most ${NAME_BYTES_MAX} bytes`);
}

export function checkedFlag(name: string, value: boolean | undefined): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalidOption(name, value, 'true or false');
}

export function checkedSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null || signal instanceof AbortSignal) return signal ?? undefined;
  throw invalidOption('signal', signal, 'an AbortSignal');
}
