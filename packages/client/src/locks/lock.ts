import type { Condition, Revision } from '@holdfast/types';
import type { Home } from '../home.ts';
import type { Seams } from '../seams.ts';
import { GivingUp } from './giving-up.ts';
import type { KeptAlive } from './kept-alive.ts';
import type { HoldfastReleaseOptions } from './lock-options.ts';

export interface LockParts {
  readonly name: string;
  readonly token: Revision;
  readonly home: Home;
  readonly seams: Pick<Seams, 'clock' | 'random'>;
  readonly hold: KeptAlive;
  /** That it is held: what a transaction may ask for. */
  readonly condition: Condition;
  /** That the database gives to a call that names no time, milliseconds. */
  readonly usualMs: number;
  /** Deletes it if it is still this one's. False: it was not. `timeoutMs`: for that. */
  remove(timeoutMs: number): Promise<boolean>;
}

/** Conditions of transactions, which take a lock as it is. */
const CONDITIONS = new WeakMap<object, Condition>();

/** Undefined: it is no lock. */
export function conditionOf(lock: unknown): Condition | undefined {
  return typeof lock === 'object' && lock !== null ? CONDITIONS.get(lock) : undefined;
}

/**
 * A lock that is held, and renews itself until it is released or lost. What is done under it outside of Holdfast is safe
 * only with its `token`: no process can know that it holds a lock at the moment when its effect takes place.
 */
export class Lock implements AsyncDisposable {
  readonly #parts: LockParts;
  readonly #givingUp: GivingUp;

  constructor(parts: LockParts) {
    this.#parts = parts;
    this.#givingUp = new GivingUp(parts.seams, parts.usualMs, (timeoutMs) => this.#giveUp(timeoutMs));
    CONDITIONS.set(this, parts.condition);
    parts.home.attach(this);
  }

  get name(): string {
    return this.#parts.name;
  }

  /**
   * Greater than that of every holder before, and less than that of every one after, over all failovers: a resource that
   * remembers the greatest it has seen, and refuses smaller ones, is safe. @throws HOLDFAST_LOCK_LOST once it is lost.
   */
  get token(): Revision {
    this.signal.throwIfAborted();
    return this.#parts.token;
  }

  /**
   * Aborted with HOLDFAST_LOCK_LOST when it is lost: before anybody else can get it, by the clock of this process, as long
   * as this runs. One that stood still finds out when it looks, or a moment after it goes on. Not by `release`.
   */
  get signal(): AbortSignal {
    return this.#parts.hold.signal;
  }

  /** Neither lost nor released, for all this process can tell. */
  get held(): boolean {
    return this.#parts.hold.isHeld;
  }

  /**
   * Gives it up. True: it was held without a gap up to its release. False: it was lost before, or that cannot be told; it
   * then expires by itself. Called again it tells the same. Closing the database releases its locks.
   *
   * From the call on it is not `held`, nor renewed, whatever becomes of the release. Without options it never rejects, and ends
   * when the database's time for a call is over.
   * @throws HOLDFAST_ABORTED as soon as `signal` is aborted and HOLDFAST_DEADLINE_EXCEEDED after `timeoutMs`, `outcome` unknown: the
   * release goes on, and what it cannot reach expires; HOLDFAST_INVALID_ARGUMENT.
   */
  release(options: HoldfastReleaseOptions = {}): Promise<boolean> {
    return this.#givingUp.waitedFor(options);
  }

  /** With its database. Never rejects. */
  async close(): Promise<void> {
    await this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #giveUp(timeoutMs: number): Promise<boolean> {
    const { home, hold, remove } = this.#parts;
    home.detach(this);
    const wasHeld = hold.stop();
    const isRemoved = await remove(timeoutMs).catch(() => false);
    return wasHeld && isRemoved;
  }
}
