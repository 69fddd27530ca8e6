import type { Core, Effect, Input, RecoveredState } from '@holdfast/core';
import type { NodeId } from '@holdfast/types';
import type { Boot, CoreObserver } from '../cluster/core-probe.ts';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { traceStep } from '../cluster/step-trace.ts';
import { CoverageMarks } from '../coverage/coverage-marks.ts';
import { Triggers } from '../faults/trigger.ts';
import { BoundedQueues } from '../oracles/bounded-queues.ts';
import { ComparedEntries } from '../oracles/compared-entries.ts';
import { ConfirmedReads } from '../oracles/confirmed-reads.ts';
import { DurablePromises } from '../oracles/durable-promises.ts';
import { ElectionSafety } from '../oracles/election-safety.ts';
import { FailedSyncs } from '../oracles/failed-syncs.ts';
import { IdleSessions } from '../oracles/idle-sessions.ts';
import { checkKeptLeases } from '../oracles/kept-leases.ts';
import { LagBounds } from '../oracles/lag-bounds.ts';
import { LateOrders } from '../oracles/late-orders.ts';
import { LeaderCompleteness } from '../oracles/leader-completeness.ts';
import { LiveOffices } from '../oracles/live-offices.ts';
import { LogMatching } from '../oracles/log-matching.ts';
import { LoggedValues } from '../oracles/logged-values.ts';
import { ReplacedDisks } from '../oracles/replaced-disks.ts';
import { ReplicatedSessions } from '../oracles/replicated-sessions.ts';
import { RightfulElections } from '../oracles/rightful-elections.ts';
import { SafeReads } from '../oracles/safe-reads.ts';
import { SealedEntries } from '../oracles/sealed-entries.ts';
import { checkShell, checkUnsent } from '../oracles/shell-queues.ts';
import { StateMachineSafety } from '../oracles/state-machine-safety.ts';
import { StatedAges } from '../oracles/stated-ages.ts';
import { SupersededEntries } from '../oracles/superseded-entries.ts';
import { TimesToLive } from '../oracles/times-to-live.ts';
import { UniqueRevisions } from '../oracles/unique-revisions.ts';
import { WholeStores } from '../oracles/whole-stores.ts';
import type { WinningLog } from '../oracles/winning-log.ts';
import type { BookedLease, BookedRenewal } from '../workload/call-book.ts';
import { RunFailure } from './run-failure.ts';

interface TimedOracles {
  readonly orders: LateOrders;
  readonly offices: LiveOffices;
  readonly ages: StatedAges;
  readonly idle: IdleSessions;
  readonly lag: LagBounds;
  readonly timesToLive: TimesToLive;
}

/** From one look at the shell of a node to the next, of whichever node: its whole status is put together for it. */
const TICKS_A_LOOK = 16;

/** Shows every step of every core to the oracles, and remembers the first thing that went wrong. */
export class Watch implements CoreObserver {
  readonly elections: ElectionSafety = new ElectionSafety();
  readonly stateMachine: StateMachineSafety = new StateMachineSafety();
  /** Told by who makes them fail. */
  readonly syncs: FailedSyncs = new FailedSyncs();
  /** What reads are held against while they are made. */
  readonly logged: LoggedValues = new LoggedValues();
  readonly #revisions: UniqueRevisions = new UniqueRevisions();
  readonly promises: DurablePromises;
  /** Told by who replaces them. */
  readonly replaced: ReplacedDisks = new ReplacedDisks();
  /** Of the newest run of each node. */
  readonly #cores = new Map<NodeId, Core>();
  readonly #rights: RightfulElections;
  readonly #matching: LogMatching = new LogMatching();
  readonly #completeness: LeaderCompleteness = new LeaderCompleteness();
  readonly #queues: BoundedQueues = new BoundedQueues();
  readonly #reads: SafeReads;
  /** Those that go by the clock of the world; made when there is one. */
  #timed: TimedOracles | undefined;
  readonly #sessions: ReplicatedSessions = new ReplicatedSessions();
  readonly #compared: ComparedEntries = new ComparedEntries();
  readonly #confirmed: ConfirmedReads;
  readonly #sealed: SealedEntries = new SealedEntries();
  readonly #superseded: SupersededEntries = new SupersededEntries(this.stateMachine);
  readonly #stores: WholeStores = new WholeStores();
  /** Rare paths taken, and how often. */
  readonly marks: CoverageMarks = new CoverageMarks((mark, node) => this.triggers.happened(mark, node));
  /** What faults wait for. */
  readonly triggers: Triggers = new Triggers();
  #cluster: SimCluster | undefined;
  #failure: RunFailure | undefined;
  /** Of all nodes. */
  #ticks = 0;

  constructor(voters: number) {
    this.promises = new DurablePromises(voters);
    this.#rights = new RightfulElections(voters);
    this.#reads = new SafeReads(this.promises);
    this.#confirmed = new ConfirmedReads(voters);
  }

  /** The first failure seen. */
  get failure(): RunFailure | undefined {
    return this.#failure;
  }

  /** As its newest run has left it; undefined before the first step of any. */
  coreOf(node: NodeId): Core | undefined {
    return this.#cores.get(node);
  }

  /** It is made with this watch as its observer. */
  follow(cluster: SimCluster): void {
    this.#cluster = cluster;
    const { nodeClockRates: rates } = cluster;
    const { timing, limits } = cluster.machines[0]!.config;
    this.#timed = {
      orders: new LateOrders({ electionTimeoutMs: timing.electionTimeoutMs, rates }),
      offices: new LiveOffices({ electionTimeoutMs: timing.electionTimeoutMs, rates }),
      ages: new StatedAges(rates),
      idle: new IdleSessions({ sessionIdleMs: limits.sessionIdleMs, rates }),
      lag: new LagBounds(rates),
      timesToLive: new TimesToLive(rates),
    };
  }

  /** In the end. */
  checkTimesToLive(log: WinningLog, renewals: readonly BookedRenewal[]): void {
    this.#timed?.timesToLive.check(log, renewals);
  }

  /** In the end. */
  checkLeases(leases: readonly BookedLease[], log: WinningLog): void {
    const { timesToLive } = this.#timed!;
    const { clockRates: rates } = this.#cluster!;
    checkKeptLeases(leases, log, { rates, madeAt: (entry) => timesToLive.madeAt(entry) });
  }

  /** In the end. Answers how many eventual reads told their age. */
  checkAges(): number {
    return this.#timed?.ages.check((index) => this.stateMachine.termAt(index)) ?? 0;
  }

  onRecovered(boot: Boot, recovered: RecoveredState): void {
    this.own(() => {
      this.#cluster?.trace.record(`${boot.node} has read its disk (run ${boot.number})`);
      this.marks.onRecovered(boot, recovered);
      if (this.#isAlone(boot)) this.marks.meet('cameBackAlone');
      this.#sessions.onRecovered(boot, recovered);
      this.#reads.onRecovered(boot);
      this.#timed?.orders.onRecovered(boot);
      this.promises.onRecovered(boot, recovered);
      this.replaced.onRecovered(boot, recovered);
      this.#compared.onRecovered(boot);
      this.#confirmed.onRecovered(boot);
      this.#sealed.onRecovered(boot);
      const store = this.#storesOf(boot).at(-1);
      if (store !== undefined && recovered.storeUsable) this.#stores.onRecovered(boot, recovered, store);
    });
  }

  #isAlone({ node, number }: Boot): boolean {
    const others = this.#cluster?.machines.filter(({ id }) => id !== node) ?? [];
    return number > 1 && others.length > 0 && others.every(({ isUp }) => !isUp);
  }

  beforeStep(boot: Boot, core: Core, input: Input): void {
    this.#cores.set(boot.node, core);
    this.own(() => {
      this.marks.beforeStep(boot, core, input);
      this.#compared.beforeStep(boot, core.context);
      this.#superseded.beforeStep(boot, core, input);
      if (input.kind === 'tick' && ++this.#ticks % TICKS_A_LOOK === 0) this.#checkShell(boot);
    });
  }

  /** At a tick: what the step before asked for is done. */
  #checkShell({ node }: Boot): void {
    const machine = this.#cluster?.machine(node);
    if (machine?.node === undefined) return;
    const { limits } = machine.config;
    checkShell(node, machine.node.status(), limits);
    checkUnsent(node, this.#cluster!.network.unsentOf(node), limits);
  }

  onStep(boot: Boot, input: Input, effects: readonly Effect[], core: Core): void {
    this.own(() => {
      if (this.#cluster !== undefined) traceStep(this.#cluster.trace, boot, input, effects);
      this.marks.afterStep(boot, input, effects);
      this.triggers.onStep(boot.node, input, effects);
      this.promises.onStep(boot, input, effects);
      this.syncs.onStep(boot, input);
      this.replaced.onStep(boot, input, effects);
      this.promises.onCommit(boot, core.context);
      this.promises.onBelief(boot, core.context);
      this.#rights.onStep(boot, input, effects, core.context);
      this.#compared.onStep(boot, input, effects, core.context);
      this.#confirmed.onStep(boot, input, effects, core);
      this.#sealed.onStep(boot, input, effects, core);
      this.#superseded.onStep(boot, input, effects, core);
      if (input.kind === 'headRemoved' || input.kind === 'snapshotReceived')
        this.#stores.onStep(boot, input, this.#storesOf(boot));
      this.#reads.onStep(boot, input, effects, core.applier.applied);
      this.#queues.onStep(boot, input, core);
      this.#completeness.onCommit(core.context, core.context.log);
      this.#countMatch(boot, input, core);
      for (const effect of effects) {
        this.elections.onEffect(boot, effect);
        this.stateMachine.onEffect(boot, effect);
        this.logged.onEffect(effect);
        this.#revisions.onEffect(boot, effect);
        this.#rights.onEffect(boot, effect);
        this.#matching.onEffect(boot, effect, core.context.log);
        this.#completeness.onEffect(boot, effect, core.context.log);
        this.#sessions.onEffect(boot, effect);
        this.#stores.onEffect(effect);
      }
      if (this.#timed !== undefined) this.#onTimedStep(this.#timed, boot, { input, effects, core });
    });
  }

  /** Of a node whose store nobody has damaged. */
  #storesOf({ node }: Boot): SimMachine['stores'] {
    return this.promises.isStoreSound(node) ? (this.#cluster?.machine(node).stores ?? []) : [];
  }

  #countMatch(boot: Boot, input: Input, { office, context }: Core): void {
    if (office === undefined || input.kind !== 'message' || input.message.kind !== 'appendMatch') return;
    const progress = office.replicator.progress.get(input.from);
    if (progress !== undefined && progress.match > 0)
      this.promises.onCount(boot, { term: context.term, peer: input.from, match: progress.match });
  }

  onBroken({ node }: Boot, error: unknown): void {
    this.#remember(RunFailure.from(error, 'crash', `the core of ${node} broke: `));
  }

  onNodeEnded({ node, number }: Boot, error: unknown): void {
    this.#remember(RunFailure.from(error, 'crash', `${node} (run ${number}) ended: `));
  }

  /** An oracle's verdict, or what the simulator's own code let out: its own errors, and those of what it had called. */
  fails(error: unknown): void {
    this.#remember(RunFailure.from(error, 'simulator'));
  }

  /** Runs a part of the simulator. What it throws ends the run, and does not get into whatever has called it. */
  own(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fails(error);
    }
  }

  #onTimedStep(
    { orders, offices, ages, idle, lag, timesToLive }: TimedOracles,
    boot: Boot,
    step: { readonly input: Input; readonly effects: readonly Effect[]; readonly core: Core },
  ): void {
    const { input, effects, core } = step;
    const now = this.#cluster!.clock.now();
    orders.onStep(boot, input, effects, now);
    for (const effect of effects) {
      offices.onEffect(boot, effect, now);
      timesToLive.onEffect(effect, now);
    }
    ages.onStep(boot, step, core.applier.applied, now);
    idle.onStep(boot, input, effects, now);
    lag.onStep(boot, effects, core, now);
  }

  #remember(failure: RunFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#cluster?.trace.record(`FAILED: ${failure.kind}: ${failure.message}`);
  }
}
