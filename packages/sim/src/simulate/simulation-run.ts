import { Holdfast, type Seams } from '@holdfast/client';
import { AssertionError, assert } from '@holdfast/types';
import { SimCluster } from '../cluster/sim-cluster.ts';
import { FaultWorld } from '../faults/fault-world.ts';
import { SafetyViolation } from '../oracles/safety-violation.ts';
import type { SimProcess } from '../process/sim-process.ts';
import { blamedFor } from '../run/blame.ts';
import type { FailureKind, RunFailure } from '../run/run-failure.ts';
import { Watch } from '../run/watch.ts';
import { SimRandom } from '../sim-random.ts';
import { blamedFacade } from './blamed-facade.ts';
import { DrawnFaults } from './drawn-faults.ts';
import { FaultPlan } from './fault-plan.ts';
import type { PlannedFault } from './planned-fault.ts';
import type { FaultRates, SimulateOptions, SimulationReport } from './simulate.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import type { SimulatedClientOptions, Simulation } from './simulation.ts';
import { SimulationClock } from './simulation-clock.ts';
import { SimulationFailure, type SimulationFailureKind } from './simulation-failure.ts';
import { SimulationRandom } from './simulation-random.ts';

const LIMIT_MS = 60_000;
const FORMATION_MS_MAX = 10_000;
const AGREEMENT_MS_MAX = 30_000;

/** Whose code it is that something has come out of. */
type Author = 'body' | 'simulator';

const KINDS: Readonly<Record<FailureKind, SimulationFailureKind>> = {
  safety: 'oracle',
  liveness: 'crash',
  crash: 'crash',
  simulator: 'simulator',
};

/** One call of `simulate`. */
export class SimulationRun {
  readonly #options: SimulateOptions;
  readonly #cluster: SimCluster;
  readonly #watch: Watch;
  readonly #faults: FaultWorld;
  readonly #drawn: DrawnFaults;
  readonly #plan: FaultPlan;
  readonly #facade: SimulatedCluster;
  readonly #clock: SimulationClock;
  readonly #random: SimulationRandom;
  readonly #processes: ReadonlyMap<string, SimProcess>;
  readonly #seams: ReadonlyMap<string, Seams>;
  /** The first that was seen. */
  #failure: SimulationFailure | undefined;

  constructor(options: SimulateOptions) {
    const { seed, nodes = 3, hosts = ['app'], latencyMs, timing, trace } = options;
    assert(Number.isFinite(seed), 'a seed is a number');
    assert(hosts.length > 0, 'an application runs somewhere');
    this.#options = options;
    const random = new SimRandom(seed);
    this.#watch = new Watch(nodes);
    this.#cluster = new SimCluster({
      seed,
      nodes,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(timing === undefined ? {} : { timing }),
      observer: this.#watch,
      print: trace === undefined ? undefined : (line) => this.#ofApplication(() => trace(line)),
      onNodeEnded: (boot, error) => this.#faults.onNodeEnded(boot, error),
    });
    this.#watch.follow(this.#cluster);
    const nodeIds = this.#cluster.machines.map(({ id }) => id);
    const scene = { nodes: nodeIds, clients: hosts, hosts: [...nodeIds, ...hosts] };
    this.#faults = new FaultWorld({ cluster: this.#cluster, hosts: scene.hosts, watch: this.#watch });
    this.#drawn = new DrawnFaults({ world: this.#faults, random, scene });
    this.#facade = new SimulatedCluster({
      cluster: this.#cluster,
      random: random.named('loss of power'),
      hosts,
      process: (host) => this.#processes.get(host),
      stopFaults: () => this.#stopFaults(),
      outOfTime: (what, limitMs) => this.#failed('time', `not so after ${limitMs} ms: ${what}`),
    });
    this.#random = new SimulationRandom(random.named('application'));
    const onThrow = (error: unknown): void => this.#fails(error, 'body');
    this.#clock = new SimulationClock({ clock: this.#cluster.clock, onThrow });
    this.#plan = new FaultPlan({
      cluster: this.#facade,
      clock: this.#clock,
      // It may name a node that there is not.
      onFailure: (error) => this.#fails(error, error instanceof AssertionError ? 'body' : 'simulator'),
    });
    this.#processes = new Map(hosts.map((host) => [host, this.#cluster.clientProcess(host)]));
    const seams = [...this.#processes].map(
      ([host, { transport, clock, random: own }]) => [host, { transport, clock, random: own }] as const,
    );
    this.#seams = new Map(seams);
  }

  async run<Result>(body: (simulation: Simulation) => Promise<Result>): Promise<SimulationReport<Result>> {
    const { trace, clock } = this.#cluster;
    this.#cluster.startAll();
    const formed = this.#facade.waitForPrimary({ limitMs: FORMATION_MS_MAX });
    await this.#drive(formed, FORMATION_MS_MAX + 1, 'simulator');
    trace.record('the body begins');
    this.#startFaults(this.#options.faults ?? []);
    const { limitMs = LIMIT_MS } = this.#options;
    const result = await this.#drive(started(body, this.#simulation()), limitMs, 'body');
    trace.record('the body has ended');
    await this.#drive(this.#agree(), AGREEMENT_MS_MAX + 1, 'simulator');
    const { counts } = this.#drawn;
    return {
      result,
      seed: this.#options.seed,
      digest: trace.digest(),
      virtualMs: clock.now(),
      faults: counts,
    };
  }

  #simulation(): Simulation {
    return {
      seed: this.#options.seed,
      cluster: blamedFacade(this.#facade, ['until']),
      clock: this.#clock,
      random: this.#random,
      client: (options) => this.#client(options),
      seams: (host) => this.#seamsOf(host),
      note: (words) => this.#cluster.trace.record(`note: ${words}`),
    };
  }

  #client<K, V>(options: SimulatedClientOptions<K, V> = {}): Holdfast<K, V> {
    const { host, ...rest } = options;
    return new Holdfast<K, V>(this.#cluster.urls, { ...rest, seams: this.#seamsOf(host) });
  }

  #seamsOf(host: string | undefined): Seams {
    const [first] = this.#seams.keys();
    const seams = this.#seams.get(host ?? first!);
    assert(seams !== undefined, `there is no host ${host}: there are ${[...this.#seams.keys()].join(' ')}`);
    return seams;
  }

  #startFaults(faults: FaultRates | readonly PlannedFault[]): void {
    if (isPlan(faults)) this.#plan.start(faults);
    else this.#drawn.start(faults);
  }

  #stopFaults(): void {
    this.#plan.stop();
    this.#faults.end();
  }

  async #agree(): Promise<void> {
    await this.#facade.recover({ limitMs: AGREEMENT_MS_MAX });
    const found = [];
    for (const { id, node } of this.#cluster.machines) {
      // What is out of the cluster holds nothing.
      if (node!.status().exclusion !== undefined) continue;
      const { applied, digest } = await node!.digest();
      found.push({ node: id, applied: applied.index, digest });
    }
    this.#watch.stateMachine.checkDigests(found);
  }

  /** Lets time pass until the promise, of `whose` code, is settled. What was seen to break first is what is told. */
  async #drive<Result>(promise: Promise<Result>, limitMs: number, whose: Author): Promise<Result> {
    const { clock } = this.#cluster;
    const end = clock.now() + limitMs;
    let settled = false;
    promise
      .catch((error: unknown) => this.#fails(error, whose))
      .finally(() => {
        settled = true;
      });
    // Something must come up at the end, whatever else does not.
    const limit = clock.setTimer(limitMs, () => {});
    try {
      await clock.runUntil(() => settled || this.#seen !== undefined || clock.now() >= end, { limitMs });
    } catch (error) {
      const whom = blamedFor(error) ?? 'simulator';
      throw this.#seen ?? this.#failed(whom, `something threw: ${messageOf(error)}`, error);
    }
    limit.cancel();
    if (this.#seen !== undefined) throw this.#seen;
    if (!settled) throw this.#failed('time', `${limitMs} ms of virtual time have passed${HINT}`);
    return promise;
  }

  get #seen(): SimulationFailure | undefined {
    const { failure } = this.#watch;
    return failure === undefined ? this.#failure : this.#ofCluster(failure);
  }

  #ofCluster({ kind, message, cause }: RunFailure): SimulationFailure {
    return this.#failed(KINDS[kind], message, cause);
  }

  #ofApplication(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fails(error, 'body');
    }
  }

  /** What has come out of `whose` code. What a node refuses, the body may let out: that is the body's. */
  #fails(error: unknown, whose: Author): void {
    if (error instanceof SimulationFailure) this.#failure ??= error;
    else if (error instanceof SafetyViolation) this.#failure ??= this.#failed('oracle', error.message, error);
    else {
      const whom = blamedFor(error);
      const isBody = whose === 'body' && whom !== 'simulator';
      this.#failure ??= this.#failed(isBody ? 'body' : (whom ?? 'simulator'), messageOf(error), error);
    }
  }

  #failed(kind: SimulationFailureKind, message: string, cause?: unknown): SimulationFailure {
    return new SimulationFailure({
      kind,
      seed: this.#options.seed,
      atMs: this.#cluster.clock.now(),
      message,
      cause,
    });
  }
}

const HINT = ', and the body has not ended: does it await something that the simulation knows nothing of?';

/** A body that throws before its first `await` rejects as well. */
async function started<Result>(
  body: (simulation: Simulation) => Promise<Result>,
  simulation: Simulation,
): Promise<Result> {
  return body(simulation);
}

function isPlan(faults: FaultRates | readonly PlannedFault[]): faults is readonly PlannedFault[] {
  return Array.isArray(faults);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
