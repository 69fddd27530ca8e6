import { Holdfast, type HoldfastWatchOptions, type Watch, type WatchEventOf } from '@holdfast/client';
import { HoldfastError } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import { checkSafeEvent } from '../oracles/safe-watches.ts';
import { SafetyViolation } from '../oracles/safety-violation.ts';
import { checkClient } from '../oracles/shell-queues.ts';
import type { SimProcess } from '../process/sim-process.ts';
import { underTest } from '../run/under-test.ts';
import type { PlannedWatch } from '../schedule/schedule.ts';
import type { CallBook } from './call-book.ts';
import { CLIENT_LANES } from './client-lanes.ts';
import type { BookedWatch, WatchSection } from './watch-book.ts';

export interface ClientWatchOptions {
  readonly cluster: SimCluster;
  readonly process: SimProcess;
  readonly host: string;
  readonly plan: PlannedWatch;
  readonly book: CallBook;
  /** The newest revision that any node has applied. */
  newestApplied(): number;
}

type Event = WatchEventOf<string, string, { readonly initial: true }>;

/** Between a watch that ended and the next one, milliseconds. */
const AGAIN_MS = 50;

/** A program that follows a range, by a plan: it keeps book of what it is told, and goes on after whatever ends a watch. */
export class ClientWatch {
  readonly #options: ClientWatchOptions;
  readonly #booked: BookedWatch;
  #db: Holdfast;
  #section: WatchSection | undefined;
  #watch: Watch<string, string, Event> | undefined;
  #isHurried = false;
  #isStopped = false;
  #isRunning = false;
  #stop = Promise.withResolvers<void>();

  constructor(options: ClientWatchOptions) {
    const { host, plan, book } = options;
    this.#options = options;
    this.#booked = book.watch({ client: host, plan });
    this.#db = this.#newDatabase();
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** It was told everything up to there. */
  hasComeTo(revision: number): boolean {
    return (this.#watch?.position ?? -1) >= revision;
  }

  /** Takes what comes without a pause, and all of it: a few events at a time would be too slow for a long log. */
  hurry(): void {
    this.#isHurried = true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#stop.resolve();
  }

  async run(): Promise<void> {
    this.#isRunning = true;
    await this.#sleep(this.#options.plan.atMs);
    while (!this.#isStopped) {
      const { status } = this.#db;
      if (status !== 'open' && status !== 'opening') this.#db = this.#newDatabase();
      await this.#follow(this.#begin());
      if (!this.#isStopped) await this.#sleep(AGAIN_MS);
    }
    this.#isRunning = false;
  }

  /** From where the one before had come to, unless its end means that this cannot be. */
  #begin(): WatchSection {
    const { plan, book } = this.#options;
    const before = this.#section;
    const position = before?.position;
    let section: WatchSection;
    if (before !== undefined && position !== undefined && !before.isBroken)
      section = { from: position, events: [] };
    else if (plan.begins === 'state' || before?.isBroken === true)
      section = { from: undefined, events: [], state: new Map() };
    else section = { from: plan.begins === 'floor' ? book.floor : undefined, events: [] };
    section.position = section.from;
    this.#booked.sections.push(section);
    this.#section = section;
    return section;
  }

  async #follow(section: WatchSection): Promise<void> {
    const { plan } = this.#options;
    const { gte, lt, previousValue, eventsMax = Number.POSITIVE_INFINITY } = plan;
    const options: HoldfastWatchOptions<string, string> & { readonly progress: true } = {
      gte,
      lt,
      previousValue,
      from: section.from,
      initial: section.state !== undefined,
      progress: true,
      timeoutMs: 1000,
    };
    const watch = this.#db.watch(options);
    this.#watch = watch;
    const health = this.#db.health();
    if (health !== undefined) checkClient(this.#options.host, health, CLIENT_LANES);
    try {
      let taken = 0;
      while ((taken < eventsMax || this.#isHurried) && !this.#isStopped) {
        if (plan.pauseMs !== undefined && !this.#isHurried) await this.#sleep(plan.pauseMs);
        const next = await Promise.race([watch.next(), this.#stop.promise]);
        if (next === undefined || next.done === true) break;
        this.#take(section, next.value);
        // A state that is never whole leaves no position to go on from.
        if (next.value.type !== 'progress' && !next.value.initial) taken += 1;
      }
    } catch (error) {
      this.#ended(section, error);
    } finally {
      section.position = watch.position;
      await watch.close();
    }
  }

  #take(section: WatchSection, event: Event): void {
    this.#trace(event);
    const { host, newestApplied } = this.#options;
    checkSafeEvent(host, event.revision ?? 0, newestApplied());
    section.events.push(event);
  }

  #ended(section: WatchSection, error: unknown): void {
    if (error instanceof SafetyViolation) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    this.#options.cluster.trace.record(`${this.#name}: ${code}`);
    section.endedBy = code;
    if (code === 'LEVEL_DATABASE_NOT_OPEN') return;
    if (!(error instanceof HoldfastError)) throw error;
    section.detail = error.detail;
    section.isBroken = code === 'HOLDFAST_REVISION_COMPACTED' || code === 'HOLDFAST_PREVIOUS_VALUE_UNKNOWN';
  }

  #trace(event: Event): void {
    const { trace } = this.#options.cluster;
    if (event.type === 'progress') {
      trace.record(`${this.#name}: up to ${event.revision}`);
      return;
    }
    const value = event.type === 'put' ? ` ${event.value}` : '';
    trace.record(`${this.#name}: ${event.type} ${event.key}${value} at ${event.revision ?? 'first'}`);
  }

  get #name(): string {
    const { host, plan } = this.#options;
    return `${host} watches ${plan.gte ?? ''}..${plan.lt ?? ''}`;
  }

  #newDatabase(): Holdfast {
    const { cluster, process, plan } = this.#options;
    const { transport, clock, random } = process;
    const readPreference = plan.atMs % 2 === 0 ? 'primary' : 'standby';
    const seams = { transport, clock, random };
    return underTest(
      new Holdfast(cluster.urls, { seams, readPreference, openTimeoutMs: 2000, lanes: CLIENT_LANES }),
    );
  }

  #sleep(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#options.process.clock.setTimer(ms, over.resolve);
    return Promise.race([over.promise, this.#stop.promise]).finally(() => timer.cancel());
  }
}
