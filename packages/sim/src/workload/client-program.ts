import { Holdfast, type HoldfastOptions } from '@holdfast/client';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import { checkClient } from '../oracles/shell-queues.ts';
import type { SimProcess } from '../process/sim-process.ts';
import { underTest } from '../run/under-test.ts';
import { CLIENT_LANES } from './client-lanes.ts';

export interface ClientProgramOptions {
  readonly cluster: SimCluster;
  readonly process: SimProcess;
  readonly host: string;
  /** Of its database. */
  readonly database: Pick<HoldfastOptions<string, string>, 'namespace' | 'readPreference' | 'timeoutMs'>;
}

/** What a program of a client has that goes on by itself until it is stopped: a database, made anew after its end, and sleep. */
export class ClientProgram {
  readonly #options: ClientProgramOptions;
  readonly #stop = new AbortController();
  #db: Holdfast;

  constructor(options: ClientProgramOptions) {
    this.#options = options;
    this.#db = this.#newDatabase();
  }

  get db(): Holdfast {
    return this.#db;
  }

  /** Aborted when it is stopped. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Another database, if this one could not be opened, or has been closed. */
  reopen(): void {
    const { status } = this.#db;
    if (status !== 'open' && status !== 'opening') this.#db = this.#newDatabase();
  }

  /** None of the library's queues is beyond its limit. */
  checkQueues(): void {
    const health = this.#db.health();
    if (health !== undefined) checkClient(this.#options.host, health, CLIENT_LANES);
  }

  say(words: string): void {
    const { cluster, host } = this.#options;
    cluster.trace.record(`${host} ${words}`);
  }

  /** Until it is stopped at the longest. */
  sleep(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#options.process.clock.setTimer(ms, over.resolve);
    return this.orStopped(over.promise).finally(() => timer.cancel());
  }

  /** What becomes of it; undefined when it is stopped before. */
  orStopped<Result>(work: Promise<Result>): Promise<Result | undefined> {
    const over = Promise.withResolvers<undefined>();
    if (this.isStopped) over.resolve(undefined);
    const onStop = (): void => over.resolve(undefined);
    this.signal.addEventListener('abort', onStop, { once: true });
    return Promise.race([work, over.promise]).finally(() => this.signal.removeEventListener('abort', onStop));
  }

  #newDatabase(): Holdfast {
    const { cluster, process, database } = this.#options;
    const { transport, clock, random } = process;
    const seams = { transport, clock, random };
    return underTest(
      new Holdfast(cluster.urls, { seams, ...database, openTimeoutMs: 2000, lanes: CLIENT_LANES }),
    );
  }
}
