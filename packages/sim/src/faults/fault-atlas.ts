import type { NodeId } from '@holdfast/types';
import type { SimMachine } from '../cluster/sim-machine.ts';

interface Impairment {
  /** Newest run when it happened: only a later one can have healed it. */
  readonly run: number;
  readonly forGood: boolean;
}

/**
 * Knows whose disk holds less than it did, so that what a guarantee needs is still somewhere: a majority of the nodes
 * has all that it ever had, at any time (as the fault atlas of TigerBeetle's simulator sees to).
 */
export class FaultAtlas {
  readonly #machines: readonly SimMachine[];
  readonly #impaired = new Map<NodeId, Impairment>();
  /** Of all that ever were. */
  readonly #everImpaired = new Set<NodeId>();

  constructor(machines: readonly SimMachine[]) {
    this.#machines = machines;
  }

  /** A disk that has lost nothing may lose something now. */
  mayImpair(machine: SimMachine): boolean {
    const impaired = this.#machines.filter((one) => this.isImpaired(one));
    return !impaired.includes(machine) && impaired.length < Math.floor((this.#machines.length - 1) / 2);
  }

  /** `forGood`: the node will not be a member again. */
  impair(machine: SimMachine, how: { readonly forGood: boolean }): void {
    this.#impaired.set(machine.id, { run: machine.runs, forGood: how.forGood });
    this.#everImpaired.add(machine.id);
  }

  /** Until it serves again all that it had, in a run that began after it lost it. */
  isImpaired(machine: SimMachine): boolean {
    const impairment = this.#impaired.get(machine.id);
    const status = machine.node?.status();
    // That its disk went back may be found out when it serves already.
    if (impairment === undefined) return status?.exclusion !== undefined;
    if (impairment.forGood || machine.runs === impairment.run) return true;
    if (status?.serving !== true || status.exclusion !== undefined) return true;
    this.#impaired.delete(machine.id);
    return false;
  }

  /** It lost something once, so it may be out of the cluster. */
  wasImpaired(machine: SimMachine): boolean {
    return this.#everImpaired.has(machine.id);
  }
}
