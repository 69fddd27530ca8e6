import type { HistoryRecorder } from '@holdfast/check';
import { Holdfast, type ReadPreference } from '@holdfast/client';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import { SessionOrder } from '../oracles/session-order.ts';
import type { SimProcess } from '../process/sim-process.ts';
import type { ClientPlan, PlannedCall } from '../schedule/schedule.ts';
import type { CallBook } from './call-book.ts';
import { outcomeOf } from './call-outcome.ts';
import { ClientReads } from './client-reads.ts';
import { ClientWrites } from './client-writes.ts';

export interface SimClientOptions {
  readonly cluster: SimCluster;
  readonly plan: ClientPlan;
  readonly book: CallBook;
  readonly registers: HistoryRecorder;
  readonly counters: HistoryRecorder;
  /** An oracle's verdict, or an error that the client library should not have let out. */
  onFailure(error: unknown): void;
}

/** What a call of a client has at hand. */
export interface ClientWorld extends Session, Pick<SimClientOptions, 'book' | 'registers' | 'counters'> {
  readonly host: string;
  /** Of this call. */
  readonly timeoutMs: number;
  /** Performs a call and writes it down; answers undefined if it failed, after `onError`. */
  call<Result>(
    words: string,
    run: () => Promise<Result>,
    onError: (failure: ReturnType<typeof outcomeOf> & { detail: number | undefined }) => void,
  ): Promise<Result | undefined>;
}

/** An open database, and what this client has seen through it. */
interface Session {
  readonly db: Holdfast;
  readonly order: SessionOrder;
}

const READ_PREFERENCES: readonly ReadPreference[] = ['primary', 'standby', 'nearest'];

/** A program that uses the client library, by a plan. */
export class SimClient {
  readonly #options: SimClientOptions;
  readonly #process: SimProcess;
  #session: Session;
  #isStopped = false;
  #running = 0;
  #calls = 0;
  #sessions = 0;

  constructor(options: SimClientOptions) {
    this.#options = options;
    this.#process = options.cluster.clientProcess(options.plan.host);
    this.#session = this.#newSession();
  }

  /** Calls under way, or about to be made. */
  get running(): number {
    return this.#running;
  }

  start(): void {
    for (const thread of this.#options.plan.threads) {
      this.#running += 1;
      this.#run(thread)
        .catch((error: unknown) => this.#options.onFailure(error))
        .finally(() => {
          this.#running -= 1;
        });
    }
  }

  /** Calls under way come to their end; no further ones are made. */
  stop(): void {
    this.#isStopped = true;
  }

  async #run(calls: readonly PlannedCall[]): Promise<void> {
    for (const call of calls) {
      await new Promise<void>((resolve) => {
        this.#process.clock.setTimer(call.thinkMs, resolve);
      });
      if (this.#isStopped) return;
      const { status } = this.#session.db;
      if (status !== 'open' && status !== 'opening') this.#session = this.#newSession();
      const world = this.#worldOf(call);
      if (call.kind === 'write' || call.kind === 'increment') await new ClientWrites(world).make(call);
      else await new ClientReads(world).make(call);
    }
  }

  #newSession(): Session {
    const { cluster, plan } = this.#options;
    const { transport, clock, random } = this.#process;
    const order = new SessionOrder(`${plan.host} (session ${++this.#sessions})`);
    const seams = { transport, clock, random };
    const readPreference = READ_PREFERENCES[this.#sessions % READ_PREFERENCES.length];
    const db = new Holdfast(cluster.urls, { seams, readPreference, openTimeoutMs: 2000 });
    db.on('diverged', () => order.diverged());
    return { db, order };
  }

  #worldOf({ timeoutMs }: PlannedCall): ClientWorld {
    const { plan, book, registers, counters } = this.#options;
    const { db, order } = this.#session;
    return {
      db,
      order,
      book,
      registers,
      counters,
      host: plan.host,
      timeoutMs,
      call: (words, run, onError) => this.#call(words, run, (failure) => onError(failure), order),
    };
  }

  async #call<Result>(
    words: string,
    run: () => Promise<Result>,
    onError: Parameters<ClientWorld['call']>[2],
    order: SessionOrder,
  ): Promise<Result | undefined> {
    const { cluster, plan } = this.#options;
    const name = `${plan.host} call ${++this.#calls}`;
    cluster.trace.record(`${name}: ${words}`);
    try {
      const result = await run();
      cluster.trace.record(`${name}: ok ${JSON.stringify(result) ?? ''}`);
      return result;
    } catch (error) {
      const failure = outcomeOf(error);
      cluster.trace.record(`${name}: ${failure.code}, ${failure.outcome}`);
      if (failure.code === 'HOLDFAST_SESSION_DIVERGED') order.diverged();
      onError({ ...failure, detail: (error as { detail?: number }).detail });
      return undefined;
    }
  }
}
