import { HistoryRecorder } from '@holdfast/check';
import { SimCluster } from '../cluster/sim-cluster.ts';
import type { MarkName } from '../coverage/mark-list.ts';
import { type Fault, type FaultKind, inflict } from '../faults/fault-types.ts';
import { FaultWorld } from '../faults/fault-world.ts';
import { type AcknowledgedCounts, checkAcknowledgedWrites } from '../oracles/acknowledged-writes.ts';
import { checkClearedRanges } from '../oracles/cleared-ranges.ts';
import { checkConsistentReads } from '../oracles/consistent-reads.ts';
import { checkExactlyOnce } from '../oracles/exactly-once.ts';
import { checkHeldLocks } from '../oracles/held-locks.ts';
import { checkHistories } from '../oracles/linearizability.ts';
import { PromptAborts } from '../oracles/prompt-aborts.ts';
import { checkToldLosses } from '../oracles/told-losses.ts';
import { checkWatches } from '../oracles/told-watches.ts';
import type { WinningLog } from '../oracles/winning-log.ts';
import { describeSchedule, drawSchedule } from '../schedule/draw-schedule.ts';
import type { ClientPlan, Schedule } from '../schedule/schedule.ts';
import { CallBook } from '../workload/call-book.ts';
import { SimClient } from '../workload/sim-client.ts';
import { Aftermath } from './aftermath.ts';
import { RunFailure } from './run-failure.ts';
import { untilOrFailure } from './until-or-failure.ts';
import { Watch } from './watch.ts';

export interface RunOptions {
  /** Given each line of the trace. */
  readonly print?: (line: string) => void;
}

export interface RunReport {
  readonly schedule: Schedule;
  /** Of the trace: the same for the same schedule. */
  readonly digest: string;
  readonly traceLines: number;
  readonly virtualMs: number;
  /** Timers fired: messages, operations of disks, ticks. */
  readonly events: number;
  /** How often a fault of each kind struck. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly terms: number;
  readonly entries: number;
  /** Rare paths that it took, and how often. */
  readonly marks: ReadonlyMap<MarkName, number>;
  readonly writes: AcknowledgedCounts;
  readonly reads: number;
  /** Eventual reads that told the age of what they showed. */
  readonly ages: number;
  /** Reads that were content with less than they had asked for. */
  readonly staleReads: number;
  /** To clients that watch. */
  readonly mutationsTold: number;
  /** From the end of the faults to the first write acknowledged. */
  readonly recoveryMs: number;
  readonly linearizability: 'ok' | 'undecided';
}

/** Time for a new cluster to form while nothing disturbs it. */
const FORMATION_MS_MAX = 5000;
/** No call outlives its deadline by more. */
const CALLS_END_MS_MAX = 8000;
/** A watch that has ended is begun again, from the state perhaps, and then marked. */
const WATCHES_LEVEL_MS_MAX = 20_000;

/** Throws a RunFailure. */
export function runSeed(seed: number, options: RunOptions = {}): Promise<RunReport> {
  return runSchedule(drawSchedule(seed), options);
}

/**
 * One run: clients work while faults strike; then the faults end, a majority must go on and agree; then everybody
 * comes back, and what clients were told is held against what is there. Throws a RunFailure.
 */
export async function runSchedule(schedule: Schedule, options: RunOptions = {}): Promise<RunReport> {
  const run = new ScheduledRun(schedule, options);
  try {
    return await run.run();
  } catch (error) {
    // What the oracles saw first is the cause, and not what came of it.
    throw run.failure ?? RunFailure.from(error, 'simulator');
  }
}

class ScheduledRun {
  readonly #schedule: Schedule;
  readonly #watch: Watch;
  readonly #book: CallBook;
  readonly #aborts: PromptAborts;
  readonly #cluster: SimCluster;
  readonly #registers: HistoryRecorder;
  readonly #counters: HistoryRecorder;
  readonly #clients: readonly SimClient[];
  readonly #faults: FaultWorld;

  constructor(schedule: Schedule, options: RunOptions) {
    this.#schedule = schedule;
    this.#watch = new Watch(schedule.cluster.nodes);
    this.#cluster = new SimCluster({
      seed: schedule.seed,
      ...schedule.cluster,
      observer: this.#watch,
      print: options.print,
      onNodeEnded: (boot, error) => this.#faults.onNodeEnded(boot, error),
    });
    const { clock, trace, machines } = this.#cluster;
    this.#watch.follow(this.#cluster);
    this.#book = new CallBook(() => clock.now());
    this.#aborts = new PromptAborts(() => clock.now());
    this.#registers = new HistoryRecorder({ clock });
    this.#counters = new HistoryRecorder({ clock });
    const hosts = [...machines.map(({ id }) => id), ...schedule.clients.map(({ host }) => host)];
    this.#faults = new FaultWorld({
      cluster: this.#cluster,
      hosts,
      watch: this.#watch,
      isWriting: (client) => this.#clients.some(({ host, isWriting }) => host === client && isWriting),
    });
    this.#clients = schedule.clients.map((plan) => this.#clientOf(plan));
    trace.record(`seed ${schedule.seed}: ${describeSchedule(schedule)}`);
  }

  get failure(): RunFailure | undefined {
    return this.#watch.failure;
  }

  async run(): Promise<RunReport> {
    await this.#form();
    await this.#disturb();
    const aftermath = new Aftermath(this.#faults, this.#schedule);
    const recoveryMs = await aftermath.majorityGoesOn();
    await this.#until('every call has ended', () => this.#clients.every(({ running }) => running === 0), {
      limitMs: CALLS_END_MS_MAX,
    });
    await aftermath.staysCalm();
    await aftermath.everybodyAgrees();
    await this.#watchesAreLevel(await aftermath.readsBack());
    // Of now: keys go on expiring while watches end, and are told.
    const log = this.#watch.stateMachine.winningLog();
    const writes = checkAcknowledgedWrites(this.#book.writes, log, await aftermath.listed());
    checkExactlyOnce(log, this.#book.writes, this.#book.increments);
    checkConsistentReads(this.#book.reads, log);
    checkClearedRanges(this.#book.clears, log);
    checkToldLosses(this.#book.losses, log);
    checkHeldLocks(this.#book.holdings, log, this.#cluster.clockRates);
    this.#watch.checkLeases(this.#book.leases, log);
    const ages = this.#watch.checkAges();
    const mutationsTold = checkWatches(this.#book.watches, log);
    this.#watch.checkTimesToLive(log, this.#book.renewals);
    const linearizability = checkHistories(this.#registers.events, this.#counters.events);
    if (this.failure !== undefined) throw this.failure;
    const { clock, trace } = this.#cluster;
    return {
      schedule: this.#schedule,
      digest: trace.digest(),
      traceLines: trace.lines,
      virtualMs: clock.now(),
      events: clock.fired,
      faults: this.#faults.struck,
      terms: this.#watch.elections.terms,
      entries: log.lastIndex,
      marks: this.#watch.marks.counts,
      writes,
      reads: this.#book.reads.length,
      ages,
      staleReads: this.#book.staleReads,
      mutationsTold,
      recoveryMs,
      linearizability,
    };
  }

  /** Whoever watches has been told everything in the end, and is told so. */
  async #watchesAreLevel(log: WinningLog): Promise<void> {
    const watches = this.#clients.flatMap((client) => client.watches);
    const newest = log.mutations.at(-1)?.revision ?? 0;
    await this.#until(
      'every watch has come to the end of the log',
      () => watches.every((watch) => watch.hasComeTo(newest)),
      {
        limitMs: WATCHES_LEVEL_MS_MAX,
      },
    );
    for (const watch of watches) watch.stop();
    await this.#until('every watch has ended', () => watches.every(({ isRunning }) => !isRunning), {
      limitMs: CALLS_END_MS_MAX,
    });
  }

  async #form(): Promise<void> {
    this.#cluster.startAll();
    if (this.#schedule.startsEarly) return;
    await this.#until('the cluster has formed', () => this.#cluster.primary !== undefined, {
      limitMs: FORMATION_MS_MAX,
    });
  }

  async #disturb(): Promise<void> {
    const { clock } = this.#cluster;
    const { workMs, faults } = this.#schedule;
    for (const { atMs, upon, ...fault } of faults) {
      const strike = (): void => this.#inflict(fault as Fault);
      this.#faults.later(atMs, upon === undefined ? strike : () => this.#faults.upon(upon, strike));
    }
    for (const client of this.#clients) client.start();
    const end = clock.now() + workMs;
    // Something must come up at the end, whatever else does not.
    clock.setTimer(workMs, () => {});
    await this.#until('the work is over', () => clock.now() >= end, { limitMs: workMs + 1 });
    this.#faults.end();
    for (const client of this.#clients) client.stop();
  }

  /** What it throws is to blame on the simulator, and not on what it strikes. */
  #inflict(fault: Fault): void {
    try {
      inflict(fault, this.#faults);
    } catch (error) {
      throw RunFailure.from(error, 'simulator', `fault ${fault.kind}: `);
    }
  }

  async #until(what: string, condition: () => boolean, options: { limitMs: number }): Promise<void> {
    await untilOrFailure({ cluster: this.#cluster, watch: this.#watch, what, condition, ...options });
  }

  #clientOf(plan: ClientPlan): SimClient {
    return new SimClient({
      cluster: this.#cluster,
      plan,
      book: this.#book,
      registers: this.#registers,
      counters: this.#counters,
      aborts: this.#aborts,
      logged: this.#watch.logged,
      newestApplied: () => this.#watch.stateMachine.newestRevision,
      meet: (mark) => this.#watch.marks.meet(mark),
      onFailure: (error) => this.#watch.fails(error),
    });
  }
}
