/**
 * Every bound on a duration or a rate that a test asserts, in one place: what was measured when the
 * bound was set (on two shared cores), what is asserted, and how far apart they are. Bounds are
 * loose on purpose, since they must hold on a busy machine: they catch a change of kind, not of degree.
 */
export interface Threshold {
  readonly name: string;
  readonly measured: number;
  readonly asserted: number;
  /** asserted / measured for an upper bound, measured / asserted for a lower one. */
  readonly factor: number;
}

export const THRESHOLDS = {
  checkLinearizableMs: {
    name: 'judging 20 000 operations of 16 clients on 50 keys, milliseconds',
    measured: 100,
    asserted: 1000,
    factor: 10,
  },
  killGapMs: {
    name: 'SIGKILL of the primary: median gap, milliseconds',
    measured: 60,
    asserted: 600,
    factor: 10,
  },
  pauseGapMs: {
    name: 'SIGSTOP of the primary: median gap, milliseconds',
    measured: 500,
    asserted: 2000,
    factor: 4,
  },
  vanishGapMs: {
    name: 'host of the primary vanishes: median gap, milliseconds',
    measured: 500,
    asserted: 2000,
    factor: 4,
  },
  endAfterDeadlineMs: {
    name: 'a call that fails: its end after its deadline, beyond the delay of the event loop, milliseconds',
    measured: 12,
    asserted: 50,
    factor: 4,
  },
  framesPerCall: {
    name: 'while no node is to be had: frames handed to sockets for each call',
    measured: 0.72,
    asserted: 1.2,
    factor: 1.67,
  },
  stormBurst: {
    name: 'no majority for 5 s: operations, or frames, at once beyond 1.5 times those offered, in tenths of a second of these',
    measured: 1.3,
    asserted: 4,
    factor: 3.1,
  },
  releasedAtOnce: {
    name: 'after that: calls that waited and are answered within a tenth of it, in tenths of a second of those offered',
    measured: 1.5,
    asserted: 20,
    factor: 13.3,
  },
  goodputAfterStorm: {
    name: 'a second after that: share of new calls that succeed promptly',
    measured: 1,
    asserted: 0.95,
    factor: 1.05,
  },
  switchoverGapMs: {
    name: 'switchover: median gap, milliseconds',
    measured: 30,
    asserted: 300,
    factor: 10,
  },
  callBeyondGapMs: {
    name: 'a call that waited on a hanging primary, beyond the gap, milliseconds',
    measured: 20,
    asserted: 300,
    factor: 15,
  },
  acknowledgedAfterCutMs: {
    name: 'last acknowledgement of a primary that is cut off, beyond one election timeout: ways of the order to cut and of the answer, milliseconds',
    measured: 10,
    asserted: 40,
    factor: 4,
  },
  heapWithoutNodes: {
    name: 'calls without any node: heap after collection, in times what it was at first',
    measured: 1.06,
    asserted: 1.2,
    factor: 1.13,
  },
  putBesideStuckScans: {
    name: 'p99 of a put beside range reads that are stuck, in times its normal value',
    measured: 1,
    asserted: 2,
    factor: 2,
  },
  expiryLateMs: {
    name: 'a key that expires over a failover, beyond its time, milliseconds',
    measured: 250,
    asserted: 5000,
    factor: 20,
  },
  busyShare: {
    name: 'saturating load: share of all cores that is busy',
    measured: 0.95,
    asserted: 0.9,
    factor: 1.06,
  },
  secondsPerStall: {
    name: 'saturating load: seconds from one stall of a standby to the next, on average',
    measured: 1,
    asserted: 2,
    factor: 2,
  },
  degradedReadMs: {
    name: 'a read that may degrade, once an outage counts, milliseconds',
    measured: 5,
    asserted: 500,
    factor: 100,
  },
  failFastMs: {
    name: 'a write that would rather fail than wait, once an outage counts, milliseconds',
    measured: 1,
    asserted: 100,
    factor: 100,
  },
  hedgedReadMs: {
    name: 'a read whose first node answers 400 ms late, hedged after 20, milliseconds',
    measured: 25,
    asserted: 200,
    factor: 8,
  },
  openNamespaceMs: {
    name: 'opening one of thousands of namespaces, milliseconds',
    measured: 0.25,
    asserted: 1,
    factor: 4,
  },
} as const satisfies Record<string, Threshold>;
