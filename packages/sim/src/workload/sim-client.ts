import type { HistoryRecorder } from '@holdfast/check';
import { type Divergence, Holdfast, type ReadPreference } from '@holdfast/client';
import { REVISION_GAP } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { MarkName } from '../coverage/mark-list.ts';
import type { LoggedValues } from '../oracles/logged-values.ts';
import type { PromptAborts } from '../oracles/prompt-aborts.ts';
import { SessionOrder } from '../oracles/session-order.ts';
import { checkClient } from '../oracles/shell-queues.ts';
import type { SimProcess } from '../process/sim-process.ts';
import { underTest } from '../run/under-test.ts';
import type { ClientPlan, PlannedCall } from '../schedule/schedule.ts';
import type { CallBook } from './call-book.ts';
import { outcomeOf } from './call-outcome.ts';
import { CLIENT_LANES } from './client-lanes.ts';
import { ClientLeases } from './client-leases.ts';
import { ClientLocks } from './client-locks.ts';
import { ClientReads } from './client-reads.ts';
import { ClientWatch } from './client-watch.ts';
import { ClientWrites } from './client-writes.ts';
import { NAMESPACE, ownKey, storedInNamespace } from './keys.ts';

export interface SimClientOptions {
  readonly cluster: SimCluster;
  readonly plan: ClientPlan;
  readonly book: CallBook;
  readonly registers: HistoryRecorder;
  readonly counters: HistoryRecorder;
  readonly aborts: PromptAborts;
  /** By any node. */
  readonly logged: LoggedValues;
  /** The newest revision that any node has applied. */
  newestApplied(): number;
  meet(mark: MarkName): void;
  /** An oracle's verdict, an error that the client library should not have let out, or one of this client's own. */
  onFailure(error: unknown): void;
}

/** What a call of a client has at hand. */
export interface ClientWorld extends Session, Pick<SimClientOptions, 'book' | 'registers' | 'counters'> {
  readonly host: string;
  /** Of this call. */
  readonly limits: CallLimits;
  /** The database with or without a namespace that a stored key belongs to. */
  databaseOf(stored: string): Holdfast;
  /** What it is called there. */
  keyOf(stored: string): string;
  /** As a key of the namespace is stored. */
  storedKeyOf(own: string): string;
  pause(ms: number): Promise<void>;
  /** Of what is asked now: the moment that is so old, however slow the clock is that says so. */
  asOf(): (ageMs: number) => number;
  /** Performs a call and writes it down; answers undefined if it failed, after `onError`. */
  call<Result>(
    words: string,
    run: () => Promise<Result>,
    onError: (failure: ReturnType<typeof outcomeOf> & { detail: number | undefined }) => void,
    describe?: (result: Result) => string,
  ): Promise<Result | undefined>;
}

interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** An open database, and what this client has seen through it. */
interface Session {
  readonly db: Holdfast;
  /** The namespace that clients share, over links of its own; made when it is used. */
  spaced(): Holdfast;
  readonly order: SessionOrder;
  /** None of the library's queues is beyond its limit. */
  checkQueues(): void;
}

const READ_PREFERENCES: readonly ReadPreference[] = ['primary', 'standby', 'nearest'];

/** A program that uses the client library, by a plan. */
export class SimClient {
  readonly #options: SimClientOptions;
  readonly #process: SimProcess;
  #session: Session;
  #isStopped = false;
  #running = 0;
  #writing = 0;
  #calls = 0;
  #sessions = 0;
  readonly watches: readonly ClientWatch[];
  readonly #programs: readonly (ClientLocks | ClientLeases)[];

  constructor(options: SimClientOptions) {
    const { cluster, plan, book } = options;
    this.#options = options;
    this.#process = cluster.clientProcess(plan.host);
    this.#session = this.#newSession();
    const { host, holdings, leases } = plan;
    const meet = (mark: MarkName): void => options.meet(mark);
    const parts = { cluster, process: this.#process, host, book, meet };
    this.#programs = [
      ...(holdings === undefined ? [] : [new ClientLocks({ ...parts, plan: holdings })]),
      ...(leases === undefined ? [] : [new ClientLeases({ ...parts, plan: leases })]),
    ];
    this.watches = (plan.watches ?? []).map(
      (watch) =>
        new ClientWatch({
          cluster,
          process: this.#process,
          host: plan.host,
          plan: watch,
          book,
          newestApplied: () => options.newestApplied(),
        }),
    );
  }

  get host(): string {
    return this.#options.plan.host;
  }

  /** Calls under way, or about to be made. */
  get running(): number {
    return this.#running;
  }

  /** A call that changes something is under way. */
  get isWriting(): boolean {
    return this.#writing > 0;
  }

  start(): void {
    for (const watch of this.watches) watch.run().catch((error: unknown) => this.#options.onFailure(error));
    for (const thread of this.#options.plan.threads) this.#begin(this.#run(thread));
    for (const program of this.#programs) this.#begin(program.run());
  }

  #begin(work: Promise<void>): void {
    this.#running += 1;
    work
      .catch((error: unknown) => this.#options.onFailure(error))
      .finally(() => {
        this.#running -= 1;
      });
  }

  /** Calls under way come to their end; no further ones are made. */
  stop(): void {
    this.#isStopped = true;
    for (const watch of this.watches) watch.hurry();
    for (const program of this.#programs) program.stop();
  }

  async #run(calls: readonly PlannedCall[]): Promise<void> {
    for (const call of calls) {
      await this.#pause(call.thinkMs);
      this.#session.checkQueues();
      if (this.#isStopped) return;
      const { status } = this.#session.db;
      if (status !== 'open' && status !== 'opening') this.#session = this.#newSession();
      const world = this.#worldOf(call);
      if (call.kind === 'read' || call.kind === 'range' || call.kind === 'snapshot')
        await new ClientReads(world).make(call);
      else {
        this.#writing += 1;
        await new ClientWrites(world).make(call);
        this.#writing -= 1;
      }
      const { db, order } = world;
      if (db.status === 'open') this.#handOn(db.token(), order.begin().floors);
    }
  }

  /** A token says nothing of what was seen in earlier terms, which a failover may have lost (a stated limit). */
  #handOn(token: number, floors: ReadonlyMap<string, number>): void {
    const { book, plan } = this.#options;
    const vouchedFor = [...floors].filter(
      ([key, revision]) => ownKey(key) === undefined && token - revision < REVISION_GAP / 2,
    );
    book.handOn({ client: plan.host, token, floors: new Map(vouchedFor) });
  }

  #newSession(): Session {
    const { cluster, plan, logged } = this.#options;
    const { transport, clock, random } = this.#process;
    const order = new SessionOrder(`${plan.host} (session ${++this.#sessions})`, logged);
    const seams = { transport, clock, random };
    const readPreference = READ_PREFERENCES[this.#sessions % READ_PREFERENCES.length];
    // Outages are short here.
    const degradation = { afterMs: 100 };
    // Every second client has reads asked of two nodes.
    const hedge = /[02468]$/.test(plan.host) ? { afterMs: 10, shareMax: 0.5 } : {};
    const options = { seams, readPreference, openTimeoutMs: 2000, degradation, hedge, lanes: CLIENT_LANES };
    const db = underTest(new Holdfast(cluster.urls, options));
    const onDiverged = ({ lost, surviving, receipts }: Divergence): void => {
      order.diverged({ lost, surviving });
      this.#options.book.losses.push({
        client: plan.host,
        revisions: receipts.map(({ revision }) => revision),
      });
    };
    db.on('diverged', onDiverged);
    let spaced: Holdfast | undefined;
    const makeSpaced = (): Holdfast => {
      // With links of its own, so that these are lost one without the other.
      spaced = underTest(
        new Holdfast(cluster.urls, { ...options, seams: { ...seams }, namespace: NAMESPACE }),
      );
      spaced.on('diverged', onDiverged);
      return spaced;
    };
    const checkQueues = (): void => {
      for (const each of [db, spaced]) {
        const health = each?.health();
        if (health !== undefined) checkClient(plan.host, health, CLIENT_LANES);
      }
    };
    return { db, spaced: () => spaced ?? makeSpaced(), order, checkQueues };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#process.clock.setTimer(ms, resolve);
    });
  }

  #worldOf(planned: PlannedCall): ClientWorld {
    const { cluster, plan, book, registers, counters } = this.#options;
    const { db, spaced, order, checkQueues } = this.#session;
    const abort = this.#abortOf(planned);
    const { timeoutMs } = planned;
    return {
      db,
      spaced,
      order,
      checkQueues,
      book,
      registers,
      counters,
      host: plan.host,
      limits: abort === undefined ? { timeoutMs } : { timeoutMs, signal: abort.signal },
      databaseOf: (stored) => (ownKey(stored) === undefined ? db : spaced()),
      keyOf: (stored) => ownKey(stored) ?? stored,
      storedKeyOf: storedInNamespace,
      pause: (ms) => this.#pause(ms),
      asOf: () => {
        const now = cluster.clock.now();
        return (ageMs) => now - (ageMs + 1) / cluster.clockRates.slowest;
      },
      call: (words, run, onError, describe) =>
        this.#call({ words, run, onError: (failure) => onError(failure), describe, order, abort }),
    };
  }

  /** Of a call in one piece, to a database that is open: one that waits for that is not under way yet. */
  #abortOf(planned: PlannedCall): AbortController | undefined {
    const { abortMs, kind } = planned;
    const isInPieces = kind === 'snapshot' || (kind === 'range' && planned.pauseMs !== undefined);
    if (abortMs === undefined || isInPieces) return undefined;
    const { db, spaced } = this.#session;
    if ((isOfNamespace(planned) ? spaced() : db).status !== 'open') return undefined;
    const controller = new AbortController();
    this.#process.clock.setTimer(abortMs, () => controller.abort());
    return controller;
  }

  async #call<Result>(made: {
    readonly words: string;
    readonly run: () => Promise<Result>;
    readonly onError: Parameters<ClientWorld['call']>[2];
    readonly describe: ((result: Result) => string) | undefined;
    readonly order: SessionOrder;
    readonly abort: AbortController | undefined;
  }): Promise<Result | undefined> {
    const { words, run, onError, describe = textOf, order, abort } = made;
    const { cluster, plan, aborts } = this.#options;
    const name = `${plan.host} call ${++this.#calls}`;
    cluster.trace.record(`${name}: ${words}`);
    let ended: (() => void) | undefined;
    const onAbort = (): void => {
      cluster.trace.record(`${name}: aborted`);
      ended = aborts.aborted(name);
    };
    abort?.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const result = await run();
      cluster.trace.record(`${name}: ok ${describe(result)}`);
      return result;
    } catch (error) {
      const failure = { ...outcomeOf(error), detail: (error as { detail?: number }).detail };
      cluster.trace.record(`${name}: ${failure.code}, ${failure.outcome}`);
      if (failure.code === 'HOLDFAST_SESSION_DIVERGED') order.diverged({ surviving: failure.detail ?? 0 });
      onError(failure);
      return undefined;
    } finally {
      abort?.signal.removeEventListener('abort', onAbort);
      ended?.();
    }
  }
}

function isOfNamespace(planned: PlannedCall): boolean {
  if (planned.kind === 'clear') return true;
  if (planned.kind === 'range') return planned.isNamespace === true;
  return (planned.kind === 'read' || planned.kind === 'write') && ownKey(planned.keys[0]!) !== undefined;
}

function textOf(result: unknown): string {
  return JSON.stringify(result) ?? '';
}
