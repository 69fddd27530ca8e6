import type { Lease } from '@holdfast/client';
import { assertNever, type Outcome } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { MarkName } from '../coverage/mark-list.ts';
import type { SimProcess } from '../process/sim-process.ts';
import type { PlannedLease, PlannedLeaseStep } from '../schedule/schedule.ts';
import type { BookedLease, CallBook } from './call-book.ts';
import { outcomeOf } from './call-outcome.ts';
import { ClientProgram } from './client-program.ts';
import { LEASES_NAMESPACE } from './keys.ts';

export interface ClientLeasesOptions {
  readonly cluster: SimCluster;
  readonly process: SimProcess;
  readonly host: string;
  readonly plan: readonly PlannedLease[];
  readonly book: CallBook;
  meet(mark: MarkName): void;
}

/** Of a call with a lease or beside it, and of its revocation. */
const CALL_MS = 1000;

/** A program that keeps leases by a plan, one after the other: on keys that others of its kind put and write as well. */
export class ClientLeases {
  readonly #options: ClientLeasesOptions;
  readonly #program: ClientProgram;
  #leases = 0;
  #written = 0;

  constructor(options: ClientLeasesOptions) {
    this.#options = options;
    const { cluster, process, host } = options;
    const database = { namespace: LEASES_NAMESPACE, timeoutMs: CALL_MS };
    this.#program = new ClientProgram({ cluster, process, host, database });
  }

  /** What it has it revokes. */
  stop(): void {
    this.#program.stop();
  }

  async run(): Promise<void> {
    for (const planned of this.#options.plan) {
      await this.#program.sleep(planned.thinkMs);
      if (this.#program.isStopped) return;
      this.#program.reopen();
      this.#program.checkQueues();
      const name = `${this.#options.host}-lease-${++this.#leases}`;
      const booked: BookedLease = { client: this.#options.host, name, puts: [], left: [], detached: [] };
      const lease = await this.#grant(booked, planned);
      if (lease !== undefined) await this.#keep(lease, booked, planned);
    }
  }

  async #grant(booked: BookedLease, { ttlMs }: PlannedLease): Promise<Lease | undefined> {
    const { name, detached } = booked;
    const onDetached = (key: unknown): void => {
      detached.push(String(key));
      this.#options.meet('leaseKeyTaken');
      this.#program.say(`${name}: ${key} is another's, or gone`);
    };
    this.#program.say(`${name}: asked for`);
    try {
      const { signal } = this.#program;
      return await this.#program.db.lease({ ttlMs, timeoutMs: CALL_MS, signal, onDetached });
    } catch (error) {
      this.#program.say(`${name}: ${outcomeOf(error).code}`);
      return undefined;
    }
  }

  async #keep(lease: Lease, booked: BookedLease, { keepMs, steps }: PlannedLease): Promise<void> {
    const { cluster, book, meet } = this.#options;
    const { name } = booked;
    const { signal } = lease;
    // It may be lost already.
    if (signal.aborted) return;
    book.leases.push(booked);
    meet('leaseGranted');
    this.#program.say(`${name}: granted`);
    const onLost = (): void => {
      booked.endedAt = cluster.clock.now();
      meet('leaseLost');
      this.#program.say(`${name}: lost`);
    };
    signal.addEventListener('abort', onLost, { once: true });
    // Of one that is lost as well: nothing that it is asked for must be done then.
    for (const step of steps) {
      await this.#program.sleep(keepMs / (steps.length + 1));
      if (!this.#program.isStopped) await this.#take(step, lease, booked);
    }
    await this.#program.sleep(keepMs / (steps.length + 1));
    booked.endedAt ??= cluster.clock.now();
    booked.isRevoked = await lease.revoke();
    this.#program.say(`${name}: ${booked.isRevoked ? 'revoked' : 'given up'}`);
  }

  async #take({ kind, key }: PlannedLeaseStep, lease: Lease, booked: BookedLease): Promise<void> {
    const value = `${booked.name} ${++this.#written}`;
    const { db } = this.#program;
    const words = `${booked.name}: ${kind} ${key}`;
    switch (kind) {
      case 'put': {
        const put: BookedLease['puts'][number] = { key, value, outcome: 'open' };
        booked.puts.push(put);
        put.outcome = (await this.#call(`${words}=${value}`, () => lease.put(key, value))).outcome;
        return;
      }
      case 'del':
      case 'detach':
        if ((await this.#call(words, () => lease[kind](key))).result === true)
          booked.left.push({ kind, key });
        return;
      case 'write':
        await this.#call(words, () => db.put(key, `beside ${value}`));
        return;
      case 'remove':
        await this.#call(words, () => db.del(key));
        return;
      default:
        assertNever(kind);
    }
  }

  async #call<Result>(
    words: string,
    run: () => Promise<Result>,
  ): Promise<{ readonly outcome: Outcome; readonly result?: Result }> {
    try {
      const result = await run();
      this.#program.say(`${words}: ${result === false ? 'not its own' : 'ok'}`);
      return { outcome: 'applied', result };
    } catch (error) {
      const { outcome, code } = outcomeOf(error);
      this.#program.say(`${words}: ${code}, ${outcome}`);
      return { outcome };
    }
  }
}
