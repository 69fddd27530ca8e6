import type { HoldfastWatchOptions, Watch, WatchEventOf } from '@holdfast/client';
import { HoldfastError } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import { checkSafeEvent } from '../oracles/safe-watches.ts';
import { SafetyViolation } from '../oracles/safety-violation.ts';
import type { SimProcess } from '../process/sim-process.ts';
import type { PlannedWatch } from '../schedule/schedule.ts';
import type { CallBook } from './call-book.ts';
import { ClientProgram } from './client-program.ts';
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
  readonly #program: ClientProgram;
  #section: WatchSection | undefined;
  #watch: Watch<string, string, Event> | undefined;
  #isHurried = false;
  #isRunning = false;

  constructor(options: ClientWatchOptions) {
    const { cluster, process, host, plan, book } = options;
    this.#options = options;
    this.#booked = book.watch({ client: host, plan });
    const readPreference = plan.atMs % 2 === 0 ? 'primary' : 'standby';
    this.#program = new ClientProgram({ cluster, process, host, database: { readPreference } });
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
    this.#program.stop();
  }

  async run(): Promise<void> {
    this.#isRunning = true;
    await this.#program.sleep(this.#options.plan.atMs);
    while (!this.#program.isStopped) {
      this.#program.reopen();
      await this.#follow(this.#begin());
      if (!this.#program.isStopped) await this.#program.sleep(AGAIN_MS);
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
    const watch = this.#program.db.watch(options);
    this.#watch = watch;
    this.#program.checkQueues();
    try {
      let taken = 0;
      while ((taken < eventsMax || this.#isHurried) && !this.#program.isStopped) {
        if (plan.pauseMs !== undefined && !this.#isHurried) await this.#program.sleep(plan.pauseMs);
        const next = await this.#program.orStopped(watch.next());
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
    this.#say(`${code}`);
    section.endedBy = code;
    if (code === 'LEVEL_DATABASE_NOT_OPEN') return;
    if (!(error instanceof HoldfastError)) throw error;
    section.detail = error.detail;
    section.isBroken = code === 'HOLDFAST_REVISION_COMPACTED' || code === 'HOLDFAST_PREVIOUS_VALUE_UNKNOWN';
  }

  #trace(event: Event): void {
    if (event.type === 'progress') {
      this.#say(`up to ${event.revision}`);
      return;
    }
    const value = event.type === 'put' ? ` ${event.value}` : '';
    this.#say(`${event.type} ${event.key}${value} at ${event.revision ?? 'first'}`);
  }

  #say(words: string): void {
    const { gte = '', lt = '' } = this.#options.plan;
    this.#program.say(`watches ${gte}..${lt}: ${words}`);
  }
}
