import type { Lock } from '@holdfast/client';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { MarkName } from '../coverage/mark-list.ts';
import type { SimProcess } from '../process/sim-process.ts';
import type { PlannedHolding } from '../schedule/schedule.ts';
import type { BookedHolding, CallBook } from './call-book.ts';
import { outcomeOf } from './call-outcome.ts';
import { ClientProgram } from './client-program.ts';
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
  readonly #program: ClientProgram;
  #written = 0;

  constructor(options: ClientLocksOptions) {
    this.#options = options;
    const { cluster, process, host } = options;
    const database = { namespace: LOCKS_NAMESPACE, timeoutMs: CALL_MS };
    this.#program = new ClientProgram({ cluster, process, host, database });
  }

  /** What it waits for it gives up, what it holds it releases. */
  stop(): void {
    this.#program.stop();
  }

  async run(): Promise<void> {
    for (const holding of this.#options.plan) {
      await this.#program.sleep(holding.thinkMs);
      if (this.#program.isStopped) return;
      this.#program.reopen();
      this.#program.checkQueues();
      const lock = await this.#take(holding);
      if (lock !== undefined) await this.#hold(lock, holding);
    }
  }

  async #take({ lock: name, ttlMs, waitMs, isOnce }: PlannedHolding): Promise<Lock | undefined> {
    const options = { ttlMs, timeoutMs: waitMs, signal: this.#program.signal };
    this.#program.say(`asks for the lock ${name}`);
    try {
      if (isOnce !== true) return await this.#program.db.lock(name, options);
      const lock = await this.#program.db.tryLock(name, options);
      if (lock === undefined) this.#program.say(`somebody else holds ${name}`);
      return lock;
    } catch (error) {
      this.#program.say(`no lock ${name}: ${outcomeOf(error).code}`);
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
    this.#program.say(`has the lock ${of} with the token ${token}`);
    const onLost = (): void => {
      booked.endedAt = cluster.clock.now();
      meet('lockLost');
      this.#program.say(`has lost the lock ${of} with the token ${token}`);
    };
    signal.addEventListener('abort', onLost, { once: true });
    for (let left = writes + 1; left > 0 && !this.#program.isStopped; left -= 1) {
      await this.#program.sleep(holdMs / (writes + 1));
      if (left > 1) await this.#write(lock, booked);
    }
    signal.removeEventListener('abort', onLost);
    if (signal.aborted) {
      // By then another may have it: what does not look whether it still has it goes on like that.
      await this.#program.sleep(ttlMs);
      await this.#write(lock, booked);
    } else {
      booked.endedAt = cluster.clock.now();
      this.#program.say(`releases the lock ${of}`);
    }
    await lock.release();
  }

  /** Also of a lock that is lost: it must not be carried out then. */
  async #write(lock: Lock, booked: BookedHolding): Promise<void> {
    const key = guardedKey(booked.lock);
    const value = `${booked.token} ${this.#options.host} ${++this.#written}`;
    try {
      const { branch, revision } = await this.#program.db.transaction(
        { if: [{ lock }], then: [{ type: 'put', key, value }] },
        { timeoutMs: CALL_MS },
      );
      if (branch === 'then') booked.writes.push(revision);
      this.#program.say(
        `${key}=${value}: ${branch === 'then' ? `at ${revision}` : 'not under that lock any more'}`,
      );
    } catch (error) {
      this.#program.say(`${key}=${value}: ${outcomeOf(error).code}`);
    }
  }
}
