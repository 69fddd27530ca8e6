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
} as const satisfies Record<string, Threshold>;
