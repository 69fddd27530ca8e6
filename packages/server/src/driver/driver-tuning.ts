/** How a node paces its background work on one database. */
export interface DriverTuning {
  /** Between two ticks of the core, milliseconds. */
  readonly tickMs: number;
  /** A checkpoint of the store is due after so much applied log, in bytes, … */
  readonly checkpointBytes: number;
  /** … or so long after the last, milliseconds, if anything was applied since. */
  readonly checkpointMs: number;
  /** Log kept for standbys that lag, though the store no longer needs it, in bytes of its files. */
  readonly walRetainBytes: number;
  /**
   * Log kept at most for standbys that need it, in bytes of its files, and after a snapshot, until all are level, as much more as that
   * had: one that is further behind gets a snapshot. What the store needs, or writes that lost an election until they are
   * listed, is kept all the same.
   */
  readonly walHeldBytesMax: number;
  /** What is kept is known as precisely, in bytes. */
  readonly walRetainStepBytes: number;
  /** Between two looks for room on a full disk, milliseconds. */
  readonly diskCheckMs: number;
  /** Room to be there before a store that met a full disk is opened again, in bytes. */
  readonly reopenBytesMin: number;
}

export const DRIVER_TUNING: DriverTuning = {
  tickMs: 10,
  checkpointBytes: 33_554_432,
  checkpointMs: 10_000,
  walRetainBytes: 134_217_728,
  walHeldBytesMax: 8_589_934_592,
  walRetainStepBytes: 1_048_576,
  diskCheckMs: 1000,
  reopenBytesMin: 33_554_432,
};
