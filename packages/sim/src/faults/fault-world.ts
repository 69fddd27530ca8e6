import type { NodeId } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { SimMachine } from '../cluster/sim-machine.ts';
import type { CoverageMarks } from '../coverage/coverage-marks.ts';
import type { ArmedFault, DiskFault, DiskOperation } from '../disk/disk-faults.ts';
import type { Watch } from '../run/watch.ts';
import { isFailedByDisk } from './failed-by-disk.ts';
import { FaultAtlas } from './fault-atlas.ts';
import type { FaultKind } from './fault-types.ts';
import type { Target } from './target.ts';
import type { Trigger, TriggerEvent } from './trigger.ts';

/** Until somebody starts a node again that has ended by itself after the faults. */
const RESTART_MS = 100;

const TRY_AGAIN_MS = 20;
const TRIES_MAX = 40;

/** What faults do their work on, for as long as they may. */
export class FaultWorld {
  readonly cluster: SimCluster;
  /** Clients included: what lies between them breaks. */
  readonly hosts: readonly string[];
  readonly watch: Watch;
  readonly isWriting: (client: string) => boolean;
  readonly atlas: FaultAtlas;
  readonly #undos: Set<() => void> = new Set();
  /** Grows with each partition: a later one is not healed by the end of an earlier one. */
  #partitions = 0;
  /** What happens when a node ends by itself that may. */
  readonly #mayEnd = new Map<SimMachine, Set<() => void>>();
  readonly #diskWatchers = new Map<SimMachine, Set<(operation: DiskOperation) => void>>();
  readonly #struck = new Map<FaultKind, number>();
  #isOver = false;
  /** Where that happened which the fault that strikes now has waited for. */
  #there: NodeId | undefined;

  /** `isWriting`: a client has a write under way, as far as anybody knows. */
  constructor(parts: {
    readonly cluster: SimCluster;
    readonly hosts: readonly string[];
    readonly watch: Watch;
    readonly isWriting?: (client: string) => boolean;
  }) {
    this.cluster = parts.cluster;
    this.hosts = parts.hosts;
    this.watch = parts.watch;
    this.isWriting = parts.isWriting ?? (() => true);
    this.atlas = new FaultAtlas(parts.cluster.machines);
  }

  /** How often a fault of each kind struck: one that found nobody to strike is none. */
  get struck(): ReadonlyMap<FaultKind, number> {
    return this.#struck;
  }

  get nodes(): number {
    return this.cluster.machines.length;
  }

  get marks(): CoverageMarks {
    return this.watch.marks;
  }

  /** Undefined: there is none of that name. */
  find({ node, orPrimary, isThere }: Target): SimMachine | undefined {
    const { primary, machines } = this.cluster;
    if (isThere === true && this.#there !== undefined) return this.cluster.machine(this.#there);
    if (orPrimary === true && primary !== undefined) return primary;
    return machines.find(({ id }) => id === node);
  }

  /** Unless faults are over by then. */
  later(ms: number, work: () => void): void {
    this.cluster.clock.setTimer(ms, () => {
      if (!this.#isOver) this.watch.own(work);
    });
  }

  /** The next time that it happens at a node, within the step; unless faults are over by then. */
  once(event: TriggerEvent, work: (node: NodeId) => void): void {
    this.watch.triggers.once(event, (node) => {
      if (!this.#isOver) this.watch.own(() => work(node));
    });
  }

  /** Once it happens: as soon as the step is over, or later. Targets may be where it was. */
  upon({ event, delayMs }: Trigger, work: () => void): void {
    this.once(event, (node) =>
      this.later(delayMs, () => {
        this.#there = node;
        work();
        this.#there = undefined;
      }),
    );
  }

  /** As soon as it can be done; given up when that takes too long. */
  soon(work: () => boolean, tries: number = TRIES_MAX): void {
    if (!work() && tries > 1) this.later(TRY_AGAIN_MS, () => this.soon(work, tries - 1));
  }

  /** Undone after a while, and at the end of faults at the latest. */
  during(ms: number, undo: () => void): void {
    this.#undos.add(undo);
    this.later(ms, () => {
      if (this.#undos.delete(undo)) undo();
    });
  }

  /** After the links of a partition have been cut. */
  healAfter(ms: number): void {
    const partition = ++this.#partitions;
    this.later(ms, () => {
      if (partition !== this.#partitions) return;
      this.cluster.network.healAll();
      this.tell('the network is whole');
    });
  }

  /** All of its log is committed, and it lists nothing as lost. Not known of a node that has not read its disk. */
  holdsNothingAlone(machine: SimMachine): boolean {
    const core = this.watch.coreOf(machine.id);
    const status = machine.node?.status();
    if (core === undefined || status?.cluster === undefined) return false;
    const { last } = core.context.log;
    const { filed, pending } = status.divergence;
    return filed === 0 && pending === 0 && this.watch.stateMachine.termAt(last.index) === last.term;
  }

  /** Called before each operation of a disk, until what it answers is called. */
  watchDisk(machine: SimMachine, onOperation: (operation: DiskOperation) => void): () => void {
    let watchers = this.#diskWatchers.get(machine);
    if (watchers === undefined) {
      const all = new Set<(operation: DiskOperation) => void>();
      machine.disk.onOperation = (operation) => {
        for (const watcher of all) this.watch.own(() => watcher(operation));
      };
      this.#diskWatchers.set(machine, all);
      watchers = all;
    }
    watchers.add(onOperation);
    return () => watchers.delete(onOperation);
  }

  /** Has operations of its disk fail. */
  inject({ disk }: SimMachine, { onFailed, ...fault }: DiskFault): ArmedFault {
    return disk.inject({
      ...fault,
      onFailed: (operation) => this.watch.own(() => onFailed?.(operation)),
    });
  }

  /** From now on a node may end by itself: `then` takes it down and sees to it that it comes back. */
  mayEnd(machine: SimMachine, then: () => void): () => void {
    const expected = this.#mayEnd.get(machine) ?? new Set();
    this.#mayEnd.set(machine, expected.add(then));
    return () => expected.delete(then);
  }

  /** It was not ended by anybody: that is a failure of the run, unless it had reason to. */
  onNodeEnded(boot: Boot, error: unknown): void {
    this.watch.own(() => {
      if (!this.hasEnded(boot, error)) this.watch.onNodeEnded(boot, error);
    });
  }

  /** False if it had no reason to: whatever its disk does, nothing else excuses it. */
  hasEnded({ node }: Boot, error: unknown): boolean {
    if (!isFailedByDisk(error)) return false;
    const machine = this.cluster.machine(node);
    const expected = [...(this.#mayEnd.get(machine) ?? [])];
    if (expected.length === 0 && !this.atlas.isImpaired(machine)) return false;
    this.#mayEnd.delete(machine);
    this.tell(`${node} has ended by itself`);
    for (const then of expected) then();
    machine.kill();
    if (this.#isOver || expected.length === 0) this.cluster.clock.setTimer(RESTART_MS, () => machine.start());
    return true;
  }

  /** As a fault of this kind strikes. */
  strikes(kind: FaultKind, what: string): void {
    this.#struck.set(kind, (this.#struck.get(kind) ?? 0) + 1);
    this.tell(what);
  }

  tell(what: string): void {
    this.cluster.trace.record(`fault: ${what}`);
  }

  /** No more faults; everything that can be mended is, but who is down stays down. */
  end(): void {
    this.#isOver = true;
    this.cluster.network.healAll();
    for (const undo of this.#undos) undo();
    this.#undos.clear();
    this.tell('faults end');
  }
}
