import type { HistoryRecorder } from '@holdfast/check';
import { Holdfast } from '@holdfast/client';
import type { Random } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import { SessionOrder } from '../oracles/session-order.ts';
import type { SimProcess } from '../process/sim-process.ts';
import { between, logUniform } from '../run/draw.ts';
import type { CallBook } from './call-book.ts';
import { outcomeOf } from './call-outcome.ts';
import { ClientReads } from './client-reads.ts';
import { ClientWrites } from './client-writes.ts';

export interface SimClientOptions {
  readonly cluster: SimCluster;
  readonly host: string;
  readonly random: Random;
  readonly callsAtOnce: number;
  readonly thinkMsMax: number;
  /** Of the writes, those at `local`. */
  readonly localShare: number;
  readonly paddingBytesMax: number;
  readonly book: CallBook;
  readonly registers: HistoryRecorder;
  readonly counters: HistoryRecorder;
  /** An oracle's verdict, or an error that the client library should not have let out. */
  onFailure(error: unknown): void;
}

/** What the calls of one client share. */
export interface ClientWorld extends SimClientOptions {
  readonly db: Holdfast;
  readonly order: SessionOrder;
  /** Milliseconds for a call, drawn. */
  drawTimeoutMs(): number;
  /** Performs a call and writes it down; answers undefined if it failed, after `onError`. */
  call<Result>(
    words: string,
    run: () => Promise<Result>,
    onError: (failure: ReturnType<typeof outcomeOf> & { detail: number | undefined }) => void,
  ): Promise<Result | undefined>;
}

/** A program that uses the client library: several calls at a time, drawn one by one. */
export class SimClient {
  readonly #options: SimClientOptions;
  readonly #process: SimProcess;
  #world: ClientWorld;
  #isStopped = false;
  #running = 0;
  #calls = 0;
  #sessions = 0;

  constructor(options: SimClientOptions) {
    this.#options = options;
    this.#process = options.cluster.clientProcess(options.host);
    this.#world = this.#newWorld();
  }

  /** Calls under way, or about to be made. */
  get running(): number {
    return this.#running;
  }

  start(): void {
    for (let thread = 0; thread < this.#options.callsAtOnce; thread += 1) {
      this.#running += 1;
      this.#run()
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

  async #run(): Promise<void> {
    const { random, thinkMsMax } = this.#options;
    for (;;) {
      await new Promise<void>((resolve) => {
        this.#process.clock.setTimer(between(random, 0, thinkMsMax), resolve);
      });
      if (this.#isStopped) return;
      const { status } = this.#world.db;
      if (status !== 'open' && status !== 'opening') this.#world = this.#newWorld();
      if (random.next() < 0.55) await new ClientWrites(this.#world).draw();
      else await new ClientReads(this.#world).draw();
    }
  }

  #newWorld(): ClientWorld {
    const { cluster, host, random } = this.#options;
    const { transport, clock, random: ownRandom } = this.#process;
    const order = new SessionOrder(`${host} (session ${++this.#sessions})`);
    const db = new Holdfast(cluster.urls, {
      seams: { transport, clock, random: ownRandom },
      openTimeoutMs: 2000,
    });
    db.on('diverged', () => order.diverged());
    return {
      ...this.#options,
      db,
      order,
      drawTimeoutMs: () => logUniform(random, 50, 5000),
      call: (words, run, onError) => this.#call(words, run, (failure) => onError(failure), order),
    };
  }

  async #call<Result>(
    words: string,
    run: () => Promise<Result>,
    onError: Parameters<ClientWorld['call']>[2],
    order: SessionOrder,
  ): Promise<Result | undefined> {
    const { cluster, host } = this.#options;
    const name = `${host} call ${++this.#calls}`;
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
