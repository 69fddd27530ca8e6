import { HoldfastError, type Outcome } from '@holdfast/types';
import { CallTime } from '../call-time.ts';
import type { Home } from '../home.ts';
import { LevelError } from '../level-error.ts';
import { GivingUp } from '../locks/giving-up.ts';
import type { KeptAlive } from '../locks/kept-alive.ts';
import type { HoldfastReleaseOptions } from '../locks/lock-options.ts';
import type { Requests } from '../requests.ts';
import type { Seams } from '../seams.ts';
import type { LeaseKey } from './lease-book.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import {
  checkedLeaseKeyOptions,
  checkedLeasePutOptions,
  type HoldfastLeaseKeyOptions,
  type HoldfastLeasePutOptions,
} from './lease-options.ts';

export interface LeaseParts {
  readonly home: Home;
  /** Of its database, and in keys as they are stored. */
  readonly requests: Requests;
  readonly seams: Seams;
  readonly keeper: LeaseKeeper;
  readonly hold: KeptAlive;
}

/** All of it is renewed in one transaction: one key for each condition and step of that but the first, which are the lease's. */
const KEYS_MAX = 255;
/** Of keys and values: each renewal writes them again. */
const BYTES_MAX = 1_048_576;

/**
 * Keys that live as long as somebody: as long as this process renews them. Renewed together, deleted together by `revoke`,
 * and if the process dies all gone `ttlMs` after its last renewal. At `quorum` always.
 */
export class Lease<KDefault = string, VDefault = string> implements AsyncDisposable {
  readonly #parts: LeaseParts;
  readonly #givingUp: GivingUp;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
    this.#givingUp = new GivingUp(parts.seams, parts.requests.timeoutMs({}), (timeoutMs) =>
      this.#giveUp(timeoutMs),
    );
    parts.home.attach(this);
  }

  /** Neither lost nor revoked, for all this process can tell: its keys are there, but for what others did to them. */
  get held(): boolean {
    return this.#parts.hold.isHeld;
  }

  /**
   * Aborted with HOLDFAST_LEASE_LOST when it is lost: before any of its keys expires, by the clock of this process, as long
   * as this runs. One that stood still finds out when it looks, or a moment after it goes on. Not by `revoke`.
   */
  get signal(): AbortSignal {
    return this.#parts.hold.signal;
  }

  /** How many it has. A key that somebody else has written or deleted counts until that is seen, at the next renewal. */
  get keys(): number {
    return this.#parts.keeper.book.size;
  }

  /**
   * Puts a key that goes with the lease, whatever was there before. Each renewal gives the key a new revision. If
   * the outcome is unknown, the key is the lease's if it was put.
   * @throws HOLDFAST_LEASE_FULL if the lease would have more than 255 keys or 1 MiB of them, HOLDFAST_LEASE_LOST if it is not
   * held, and what any write of its database may.
   */
  async put<K = KDefault, V = VDefault>(
    key: K,
    value: V,
    options: HoldfastLeasePutOptions<K, V> = {},
  ): Promise<void> {
    checkedLeasePutOptions(options as HoldfastLeasePutOptions<never, never>);
    const at = this.#parts.home.of(options.sublevel);
    const stored = this.#stored(key, options);
    const bytes = at.encodedValue(value, options.valueEncoding);
    const leaseKey = { stored, own: key, bytes: stored.byteLength + bytes.byteLength };
    const isPut = await this.#inTurn(options, (time) => {
      this.#checkRoom(leaseKey);
      return this.#parts.keeper.put(time, leaseKey, bytes);
    });
    this.#checkThere(isPut);
    // It was put, and expires with the others.
    if (!this.held) throw this.#lost('applied');
  }

  /**
   * Deletes a key of the lease. False: it was none, or somebody else had written it meanwhile; it is left as it is.
   * @throws HOLDFAST_LEASE_LOST if the lease is not held, and what any write of its database may.
   */
  del<K = KDefault>(key: K, options: HoldfastLeaseKeyOptions<K> = {}): Promise<boolean> {
    return this.#leave(key, options, 'del');
  }

  /**
   * Lets a key of the lease stay, without end. False: it was none, or somebody else had written it meanwhile.
   * @throws HOLDFAST_LEASE_LOST if the lease is not held, and what any write of its database may.
   */
  detach<K = KDefault>(key: K, options: HoldfastLeaseKeyOptions<K> = {}): Promise<boolean> {
    return this.#leave(key, options, 'persist');
  }

  /**
   * Deletes all keys that are still its own, in one transaction, and ends it. True: it was held without a gap up to then.
   * False: it was lost before, or that cannot be told; its keys then expire. Called again it tells the same. Closing the
   * database revokes its leases.
   *
   * From the call on it is not `held`, nor renewed, whatever becomes of it. Without options it never rejects, as a lock's `release`.
   * @throws HOLDFAST_ABORTED as soon as `signal` is aborted, HOLDFAST_DEADLINE_EXCEEDED after `timeoutMs`, `outcome` unknown: it goes
   * on; HOLDFAST_INVALID_ARGUMENT.
   */
  revoke(options: HoldfastReleaseOptions = {}): Promise<boolean> {
    return this.#givingUp.waitedFor(options);
  }

  /** With its database. Never rejects. */
  async close(): Promise<void> {
    await this.revoke();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.revoke();
  }

  async #giveUp(timeoutMs: number): Promise<boolean> {
    const { home, hold, keeper, seams } = this.#parts;
    home.detach(this);
    const wasHeld = hold.stop();
    const time = new CallTime(seams, timeoutMs, undefined);
    const isEnded = await keeper.inTurn(time, { isUrgent: true }, () => keeper.end(time)).catch(() => false);
    return wasHeld && isEnded;
  }

  async #leave<K>(key: K, options: HoldfastLeaseKeyOptions<K>, kind: 'del' | 'persist'): Promise<boolean> {
    checkedLeaseKeyOptions(options as HoldfastLeaseKeyOptions<never>);
    const stored = this.#stored(key, options);
    const isLeft = await this.#inTurn(options, (time) => this.#parts.keeper.leave(time, stored, kind));
    if (isLeft === undefined) return false;
    this.#checkThere(isLeft);
    return true;
  }

  #stored<K>(key: K, options: HoldfastLeaseKeyOptions<K>): Uint8Array {
    const { home, requests } = this.#parts;
    return requests.storedKey(home.of(options.sublevel).prefixedKey(key, options.keyEncoding));
  }

  async #inTurn<Result>(
    { timeoutMs, signal }: Pick<HoldfastLeaseKeyOptions<never>, 'timeoutMs' | 'signal'>,
    work: (time: CallTime) => Promise<Result>,
  ): Promise<Result> {
    const { seams, requests, keeper } = this.#parts;
    const time = new CallTime(seams, requests.timeoutMs({ timeoutMs }), signal);
    this.#checkHeld();
    return keeper.inTurn(time, { isUrgent: false }, async () => {
      this.#checkHeld();
      return work(time);
    });
  }

  #checkRoom(key: LeaseKey): void {
    const { book } = this.#parts.keeper;
    const before = book.entry(key.stored)?.key;
    const keys = book.size + (before === undefined ? 1 : 0);
    const bytes = book.bytes - (before?.bytes ?? 0) + key.bytes;
    if (keys <= KEYS_MAX && bytes <= BYTES_MAX) return;
    throw new HoldfastError(
      'HOLDFAST_LEASE_FULL',
      `a lease has at most ${KEYS_MAX} keys, and ${BYTES_MAX} bytes of them and their values: not ${keys} and ${bytes}`,
    );
  }

  #checkHeld(): void {
    if (!this.#parts.home.isOpen) throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    if (!this.held) throw this.#lost('not-applied');
  }

  #checkThere(isThere: boolean): void {
    if (isThere) return;
    this.#parts.hold.lose('it expired, or was taken away');
    throw this.#lost('not-applied');
  }

  #lost(outcome: Outcome): HoldfastError {
    const { reason } = this.signal;
    const words = reason instanceof HoldfastError ? reason.message : 'the lease was revoked';
    return new HoldfastError('HOLDFAST_LEASE_LOST', words, { outcome, cause: reason });
  }
}
