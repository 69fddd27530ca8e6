import type { HoldfastSublevel } from '../holdfast-sublevel.ts';
import type { Lock } from '../locks/lock.ts';
import type { SagaDatabase } from './saga-store.ts';

/** The right to work on one saga, as long as `signal` is not aborted. */
export type Tenure = Pick<Lock, 'token' | 'signal'>;

const SUBLEVEL = 'sagas-tenures';

/** Who works on which saga: one process at a time, by a lock of the saga's name. */
export class Tenures {
  readonly #level: HoldfastSublevel<unknown>;
  readonly #ttlMs: number;

  constructor(database: SagaDatabase, ttlMs: number) {
    this.#level = database.sublevel(SUBLEVEL, {
      keyEncoding: 'utf8',
      valueEncoding: 'json',
    }) as HoldfastSublevel<unknown>;
    this.#ttlMs = ttlMs;
  }

  /** Waits for its turn. Rejects with HOLDFAST_ABORTED once `signal` is aborted. */
  take(name: string, signal: AbortSignal | undefined): Promise<Lock> {
    return this.#level.lock(name, { ttlMs: this.#ttlMs, signal });
  }

  /**
   * Calls `end` when the database is closed: its tenures are released with it, and others may have them. Returns what has it
   * called no more.
   */
  whenClosed(end: () => void): () => void {
    const close = async (): Promise<void> => end();
    const resource = { close, [Symbol.asyncDispose]: close };
    this.#level.attachResource(resource);
    return () => this.#level.detachResource(resource);
  }

  /** Undefined: another process has it. */
  tryTake(name: string, signal: AbortSignal | undefined): Promise<Lock | undefined> {
    return this.#level.tryLock(name, { ttlMs: this.#ttlMs, signal });
  }
}
