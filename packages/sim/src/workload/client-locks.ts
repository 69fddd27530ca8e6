import { Holdfast, type Lock } from '@holdfast/client';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { MarkName } from '../coverage/mark-list.ts';
import { checkClient } from '../oracles/shell-queues.ts';
import type { SimProcess } from '../process/sim-process.ts';
import { underTest } from '../run/under-test.ts';
import type { PlannedHolding } from '../schedule/schedule.ts';
import type { BookedHolding, CallBook } from './call-book.ts';
import { outcomeOf } from './call-outcome.ts';
import { CLIENT_LANES } from './client-lanes.ts';
import { guardedKey, LOCKS_NAMESPACE } from './keys.ts';

export interface ClientLocksOptions {
  readonly cluster: SimCluster;
  readonly process: SimProcess;
  readonly host: string;
  readonly plan: readonly PlannedHolding[];
  readonly book: CallBook;
  meet(mark: MarkName): void;
}

/** Of a call under a lock, and of its release. */
const CALL_MS = 1000;

/** A program that takes locks by a plan, one after the other, and writes under each what names its token. */
export class ClientLocks {
  readonly #options: ClientLocksOptions;
  readonly #stop = new AbortController();
  #db: Holdfast;
  #written = 0;

  constructor(options: ClientLocksOptions) {
    this.#options = options;
    this.#db = this.#newDatabase();
  }

  /** What it waits for it gives up, what it holds it releases. */
  stop(): void {
    this.#stop.abort();
  }

  async run(): Promise<void> {
    for (const holding of this.#options.plan) {
      await this.#sleep(holding.thinkMs);
      if (this.#stop.signal.aborted) return;
      const { status } = this.#db;
      if (status !== 'open' && status !== 'opening') this.#db = this.#newDatabase();
      const health = this.#db.health();
      if (health !== undefined) checkClient(this.#options.host, health, CLIENT_LANES);
      const lock = await this.#take(holding);
      if (lock !== undefined) await this.#hold(lock, holding);
    }
  }

  async #take({ lock: name, ttlMs, waitMs, isOnce }: PlannedHolding): Promise<Lock | undefined> {
    const options = { ttlMs, timeoutMs: waitMs, signal: this.#stop.signal };
    this.#say(`asks for the lock ${name}`);
    try {
      if (isOnce !== true) return await this.#db.lock(name, options);
      const lock = await this.#db.tryLock(name, options);
      if (lock === undefined) this.#say(`somebody else holds ${name}`);
      return lock;
    } catch (error) {
      this.#say(`no lock ${name}: ${outcomeOf(error).code}`);
      return undefined;
    }
  }

  async #hold(lock: Lock, { holdMs, writes, ttlMs }: PlannedHolding): Promise<void> {
    const { cluster, host, book, meet } = this.#options;
    const { name: of, signal } = lock;
    // It may be lost already.
    if (!lock.held) return;
    const { token } = lock;
    const booked: BookedHolding = { client: host, lock: of, token, takenAt: cluster.clock.now(), writes: [] };
    book.holdings.push(booked);
    meet('lockTaken');
    this.#say(`has the lock ${of} with the token ${token}`);
    const onLost = (): void => {
      booked.endedAt = cluster.clock.now();
      meet('lockLost');
      this.#say(`has lost the lock ${of} with the token ${token}`);
    };
    signal.addEventListener('abort', onLost, { once: true });
    for (let left = writes + 1; left > 0 && !this.#stop.signal.aborted; left -= 1) {
      await this.#sleep(holdMs / (writes + 1));
      if (left > 1) await this.#write(lock, booked);
    }
    signal.removeEventListener('abort', onLost);
    if (signal.aborted) {
      // By then another may have it: what does not look whether it still has it goes on like that.
      await this.#sleep(ttlMs);
      await this.#write(lock, booked);
    } else {
      booked.endedAt = cluster.clock.now();
      this.#say(`releases the lock ${of}`);
    }
    await lock.release();
  }

  /** Also of a lock that is lost: it must not be carried out then. */
  async #write(lock: Lock, booked: BookedHolding): Promise<void> {
    const key = guardedKey(booked.lock);
    const value = `${booked.token} ${this.#options.host} ${++this.#written}`;
    try {
      const { branch, revision } = await this.#db.transaction(
        { if: [{ lock }], then: [{ type: 'put', key, value }] },
        { timeoutMs: CALL_MS },
      );
      if (branch === 'then') booked.writes.push(revision);
      this.#say(`${key}=${value}: ${branch === 'then' ? `at ${revision}` : 'not under that lock any more'}`);
    } catch (error) {
      this.#say(`${key}=${value}: ${outcomeOf(error).code}`);
    }
  }

  #newDatabase(): Holdfast {
    const { cluster, process } = this.#options;
    const { transport, clock, random } = process;
    const seams = { transport, clock, random };
    return underTest(
      new Holdfast(cluster.urls, {
        seams,
        namespace: LOCKS_NAMESPACE,
        openTimeoutMs: 2000,
        timeoutMs: CALL_MS,
        lanes: CLIENT_LANES,
      }),
    );
  }

  #say(words: string): void {
    const { cluster, host } = this.#options;
    cluster.trace.record(`${host} ${words}`);
  }

  #sleep(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#options.process.clock.setTimer(ms, over.resolve);
    const { signal } = this.#stop;
    if (signal.aborted) over.resolve();
    const onStop = (): void => over.resolve();
    signal.addEventListener('abort', onStop, { once: true });
    return over.promise.finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', onStop);
    });
  }
}
