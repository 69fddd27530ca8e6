import type { FaultKind } from '../faults/fault-types.ts';
import type { PlannedFault } from './planned-fault.ts';
import type { Simulation } from './simulation.ts';
import { SimulationRun } from './simulation-run.ts';

/** Mean number of faults of a kind in a second of virtual time, over the whole cluster; what is not named never happens. */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>;

export interface SimulateOptions {
  /** Any number. With the same code, the same seed does the same in every run, on every machine. */
  readonly seed: number;
  /** 1 to 7 nodes, named `n1`, `n2`, …; 3 by default. */
  readonly nodes?: number;
  /** Where the application runs, each a process on a machine of its own: `['app']` by default. */
  readonly hosts?: readonly string[];
  /**
   * Rates, at which faults are drawn from the seed, or a list of faults at given moments; none by default. They
   * strike from the moment when the body begins until it ends or calls `cluster.recover()`.
   */
  readonly faults?: FaultRates | readonly PlannedFault[];
  /** Virtual milliseconds that the body may take; 60 000 by default. */
  readonly limitMs?: number;
  /** Milliseconds that a message takes between two hosts, drawn for each; 0.1 to 1 by default. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** Of the nodes, as in their configuration: when a silent primary is replaced. */
  readonly timing?: { readonly heartbeatMs?: number; readonly electionTimeoutMs?: number };
  /** Given each line of the trace: every message, every step of a node, every fault. */
  readonly trace?: (line: string) => void;
}

/** How a simulation went that did not fail. */
export interface SimulationReport<Result> {
  /** What the body resolved with. */
  readonly result: Result;
  readonly seed: number;
  /** Of all that happened, in hexadecimal: two runs that did the same have the same. */
  readonly digest: string;
  /** Virtual milliseconds, from the start of the nodes to the end. */
  readonly virtualMs: number;
  /** Drawn faults that struck, by kind. */
  readonly faults: ReadonlyMap<FaultKind, number>;
}

/**
 * Runs `body` against a cluster of real nodes on simulated machines, in virtual time: seconds pass in milliseconds,
 * and one seed gives one run. The body begins when the cluster has a primary. While it awaits something, time passes
 * from event to event; so it must await nothing but what the simulation gives it: no real timer, file or socket.
 *
 * All the while the promises of the cluster are watched. When the body has ended everything is mended, and all nodes
 * must come to the same state.
 *
 * Rejects with a `SimulationFailure`, whose `kind` tells an error of the body, virtual time that ran out, a broken
 * promise of the cluster, a crash and an error of the simulation itself apart, and which names the seed.
 */
export async function simulate<Result>(
  options: SimulateOptions,
  body: (simulation: Simulation) => Promise<Result>,
): Promise<SimulationReport<Result>> {
  return new SimulationRun(options).run(body);
}
