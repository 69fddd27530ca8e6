export { marksMissed } from './coverage/coverage-marks.ts';
export { MARKS, type Mark, type MarkName } from './coverage/mark-list.ts';
export type { ArmedFault, DiskFault, DiskOperation, DiskOperationKind } from './disk/disk-faults.ts';
export {
  type KeepChooser,
  keepMask,
  keepRandomly,
  type PendingChange,
  SECTOR_BYTES,
  type SectorTearer,
  tearRandomly,
} from './disk/pending-change.ts';
export { FAULT_KINDS, type FaultKind } from './faults/fault-types.ts';
export { type SimLevelOptions, simLevels } from './level/sim-level.ts';
export { type FailureKind, RunFailure } from './run/run-failure.ts';
export { type RunOptions, type RunReport, runSchedule, runSeed } from './run/run-schedule.ts';
export { SteadyRun } from './run/steady-run.ts';
export { trySchedule } from './run/try-schedule.ts';
export { describeSchedule, drawSchedule } from './schedule/draw-schedule.ts';
export type { Schedule } from './schedule/schedule.ts';
export { formatSchedule, parseSchedule } from './schedule/schedule-text.ts';
export { NEIGHBOURS, neighbour } from './shrink/neighbour.ts';
export { type Shrunk, shrinkSchedule } from './shrink/shrink-schedule.ts';
export { SimClock, type SimClockOptions } from './sim-clock.ts';
export { type CrashOptions, SimDisk, type SimDiskOptions } from './sim-disk.ts';
export { SimNetwork, type SimNetworkOptions } from './sim-network.ts';
export { SimRandom } from './sim-random.ts';
export { SimTransport } from './sim-transport.ts';
export type { NodeChoice, PlannedFault } from './simulate/planned-fault.ts';
export {
  type FaultRates,
  type SimulateOptions,
  type SimulationReport,
  simulate,
} from './simulate/simulate.ts';
export type { KeptUnsynced, SimulatedCluster, WaitOptions } from './simulate/simulated-cluster.ts';
export type { SimulatedClientOptions, Simulation } from './simulate/simulation.ts';
export type { SimulationClock } from './simulate/simulation-clock.ts';
export { SimulationFailure, type SimulationFailureKind } from './simulate/simulation-failure.ts';
export type { SimulationRandom } from './simulate/simulation-random.ts';
