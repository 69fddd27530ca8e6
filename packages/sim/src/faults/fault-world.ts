import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { SimMachine } from '../cluster/sim-machine.ts';
import type { CoverageMarks } from '../coverage/coverage-marks.ts';
import type { Target } from './target.ts';

/** What faults do their work on, for as long as they may. */
export class FaultWorld {
  readonly cluster: SimCluster;
  /** Clients included: what lies between them breaks. */
  readonly hosts: readonly string[];
  readonly marks: CoverageMarks;
  readonly #undos: Set<() => void> = new Set();
  /** Grows with each partition: a later one is not healed by the end of an earlier one. */
  #partitions = 0;
  #isOver = false;

  constructor(cluster: SimCluster, hosts: readonly string[], marks: CoverageMarks) {
    this.cluster = cluster;
    this.hosts = hosts;
    this.marks = marks;
  }

  /** Undefined: there is none of that name. */
  find({ node, orPrimary }: Target): SimMachine | undefined {
    const { primary, machines } = this.cluster;
    if (orPrimary === true && primary !== undefined) return primary;
    return machines.find(({ id }) => id === node);
  }

  /** Unless faults are over by then. */
  later(ms: number, work: () => void): void {
    this.cluster.clock.setTimer(ms, () => {
      if (!this.#isOver) work();
    });
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
