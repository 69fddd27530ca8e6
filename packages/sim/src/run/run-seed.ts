import { HistoryRecorder } from '@holdfast/check';
import { SimCluster } from '../cluster/sim-cluster.ts';
import { type AcknowledgedCounts, checkAcknowledgedWrites } from '../oracles/acknowledged-writes.ts';
import { checkConsistentReads } from '../oracles/consistent-reads.ts';
import { checkExactlyOnce } from '../oracles/exactly-once.ts';
import { checkHistories } from '../oracles/linearizability.ts';
import { SafetyViolation } from '../oracles/safety-violation.ts';
import { SimRandom } from '../sim-random.ts';
import { CallBook } from '../workload/call-book.ts';
import { SimClient } from '../workload/sim-client.ts';
import { Aftermath } from './aftermath.ts';
import { FaultInjector } from './fault-injector.ts';
import { RunFailure } from './run-failure.ts';
import { describeScenario, drawScenario, type FaultKind, type Scenario } from './scenario.ts';
import { untilOrFailure } from './until-or-failure.ts';
import { Watch } from './watch.ts';

export interface RunOptions {
  /** Given each line of the trace. */
  readonly print?: (line: string) => void;
}

export interface RunReport {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Of the trace: the same for the same seed. */
  readonly digest: string;
  readonly traceLines: number;
  readonly virtualMs: number;
  readonly terms: number;
  readonly entries: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** What the cores told and ordered that is not everyday, and how often. */
  readonly events: ReadonlyMap<string, number>;
  readonly writes: AcknowledgedCounts;
  readonly reads: number;
  /** From the end of the faults to the first write acknowledged. */
  readonly recoveryMs: number;
  readonly linearizability: 'ok' | 'undecided';
}

/** Time for a new cluster to form while nothing disturbs it. */
const FORMATION_MS_MAX = 5000;
/** Share of the runs in which faults begin before the cluster has formed. */
const EARLY_FAULTS = 0.2;
/** No call outlives its deadline by more. */
const CALLS_END_MS_MAX = 8000;

/**
 * One run: clients work while faults strike; then the faults end, a majority must go on and agree; then everybody
 * comes back, and what clients were told is held against what is there. Throws a RunFailure.
 */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunReport> {
  const random = new SimRandom(seed);
  const scenario = drawScenario(random.fork());
  const run = new SeedRun(seed, scenario, random, options);
  try {
    return await run.run();
  } catch (error) {
    // What the oracles saw first is the cause, and not what came of it.
    if (run.failure !== undefined) throw run.failure;
    if (error instanceof RunFailure) throw error;
    if (error instanceof SafetyViolation) throw new RunFailure('safety', error.message, error);
    throw new RunFailure('simulator', error instanceof Error ? error.message : String(error), error);
  }
}

class SeedRun {
  readonly #seed: number;
  readonly #scenario: Scenario;
  readonly #random: SimRandom;
  readonly #watch: Watch;
  readonly #book = new CallBook();
  readonly #cluster: SimCluster;
  readonly #registers: HistoryRecorder;
  readonly #counters: HistoryRecorder;
  readonly #clients: SimClient[] = [];
  readonly #faults: FaultInjector;

  constructor(seed: number, scenario: Scenario, random: SimRandom, options: RunOptions) {
    this.#seed = seed;
    this.#scenario = scenario;
    this.#random = random;
    this.#watch = new Watch(scenario.nodes);
    this.#cluster = clusterOf(seed, scenario, this.#watch, options);
    const { clock, trace } = this.#cluster;
    this.#watch.writeTo(trace);
    this.#registers = new HistoryRecorder({ clock });
    this.#counters = new HistoryRecorder({ clock });
    const hosts = Array.from({ length: scenario.clients }, (_, place) => `c${place + 1}`);
    this.#faults = new FaultInjector(this.#cluster, random.fork(), hosts);
    for (const host of hosts) this.#clients.push(this.#clientOn(host));
    trace.record(`seed ${seed}: ${describeScenario(scenario)}`);
  }

  get failure(): RunFailure | undefined {
    return this.#watch.failure;
  }

  async run(): Promise<RunReport> {
    await this.#form();
    await this.#disturb();
    const aftermath = new Aftermath(this.#cluster, this.#watch, this.#random.fork());
    const recoveryMs = await aftermath.majorityGoesOn();
    await this.#until('every call has ended', () => this.#clients.every(({ running }) => running === 0), {
      limitMs: CALLS_END_MS_MAX,
    });
    await aftermath.everybodyAgrees();
    const log = await aftermath.readsBack();
    const writes = checkAcknowledgedWrites(this.#book.writes, log, await aftermath.listed());
    checkExactlyOnce(log, this.#book.writes, this.#book.increments);
    checkConsistentReads(this.#book.reads, log);
    const linearizability = checkHistories(this.#registers.events, this.#counters.events);
    if (this.failure !== undefined) throw this.failure;
    const { clock, trace } = this.#cluster;
    return {
      seed: this.#seed,
      scenario: this.#scenario,
      digest: trace.digest(),
      traceLines: trace.lines,
      virtualMs: clock.now(),
      terms: this.#watch.elections.terms,
      entries: log.lastIndex,
      faults: this.#faults.counts,
      events: this.#watch.events,
      writes,
      reads: this.#book.reads.length,
      recoveryMs,
      linearizability,
    };
  }

  async #form(): Promise<void> {
    this.#cluster.startAll();
    if (this.#random.next() < EARLY_FAULTS) return;
    await this.#until('the cluster has formed', () => this.#cluster.primary !== undefined, {
      limitMs: FORMATION_MS_MAX,
    });
  }

  async #disturb(): Promise<void> {
    const { clock } = this.#cluster;
    this.#faults.start(this.#scenario.faultsPerSecond);
    for (const client of this.#clients) client.start();
    const end = clock.now() + this.#scenario.faultsMs;
    // Something must come up at the end, whatever else does not.
    clock.setTimer(this.#scenario.faultsMs, () => {});
    await this.#until('the faults are over', () => clock.now() >= end, {
      limitMs: this.#scenario.faultsMs + 1,
    });
    this.#faults.stop();
    for (const client of this.#clients) client.stop();
  }

  async #until(what: string, condition: () => boolean, options: { limitMs: number }): Promise<void> {
    await untilOrFailure({ cluster: this.#cluster, watch: this.#watch, what, condition, ...options });
  }

  #clientOn(host: string): SimClient {
    const { callsAtOnce, thinkMsMax, localShare, paddingBytesMax } = this.#scenario;
    return new SimClient({
      cluster: this.#cluster,
      host,
      random: this.#random.fork(),
      callsAtOnce,
      thinkMsMax,
      localShare,
      paddingBytesMax,
      book: this.#book,
      registers: this.#registers,
      counters: this.#counters,
      onFailure: (error) => this.#watch.fails(error),
    });
  }
}

function clusterOf(seed: number, scenario: Scenario, watch: Watch, options: RunOptions): SimCluster {
  const { nodes, timing, limits, tuning, segmentBytes, storeBufferBytes, latencyMs, clockDrift } = scenario;
  return new SimCluster({
    seed,
    nodes,
    timing,
    limits,
    tuning,
    segmentBytes,
    storeBufferBytes,
    latencyMs,
    clockDrift,
    observer: watch,
    print: options.print,
    onNodeEnded: (boot, error) => watch.onNodeEnded(boot, error),
  });
}
