import { LIMITS } from '@holdfast/types';
import { type LaneLimits, type LaneOptions, laneLimits } from '../resilience/lane-limits.ts';
import type { ResilienceLimits } from '../resilience/resilience-limits.ts';
import { type ResilienceOptions, resilienceLimits } from '../resilience/resilience-options.ts';

/** Bounds and timing of one client, milliseconds and bytes. */
export interface ClientLimits {
  /** Calls not settled yet, waiting or sent, and their keys and values, by kind; beyond: CLIENT_QUEUE_FULL. */
  readonly lanes: LaneLimits;
  /** Of all kinds together: a single call may be longer than the share of its kind, but not than this. */
  readonly pendingBytesMax: number;
  /** Sequences taken and not answered, per session. */
  readonly sessionWindow: number;
  /** Keys and values of the writes of one session that were sent and not answered. */
  readonly inFlightBytesMax: number;
  /** Reads of keys sent and not answered. */
  readonly readsInFlightMax: number;
  /** Openings of range reads and snapshots sent and not begun by the node. */
  readonly openingsInFlightMax: number;
  /** A frame takes no further request beyond this. */
  readonly frameBytesTarget: number;
  readonly requestsPerFrameMax: number;
  /** A node is given this much less time than the caller has, so that its own verdict arrives first. */
  readonly answerMarginMs: number;
  /** Step of the one timer behind deadlines and pauses. */
  readonly tickMs: number;
  readonly resilience: ResilienceLimits;
}

const PENDING_CALLS_MAX = 100_000;
const PENDING_BYTES_MAX = 268_435_456;

const FIXED_LIMITS = {
  sessionWindow: LIMITS.sessionWindow,
  inFlightBytesMax: 16_777_216,
  readsInFlightMax: 8192,
  openingsInFlightMax: LIMITS.scansPerConnectionMax,
  frameBytesTarget: 1_048_576,
  requestsPerFrameMax: LIMITS.requestsPerFrameMax,
  answerMarginMs: 20,
  tickMs: 10,
};

/** What a client is told that differs from the defaults. */
export interface LimitOptions extends ResilienceOptions {
  readonly pendingCallsMax?: number | undefined;
  readonly pendingBytesMax?: number | undefined;
  readonly lanes?: LaneOptions | undefined;
}

/** Throws HOLDFAST_INVALID_ARGUMENT. */
export function clientLimits(given: LimitOptions): ClientLimits {
  const { pendingCallsMax = PENDING_CALLS_MAX, pendingBytesMax = PENDING_BYTES_MAX, lanes = {} } = given;
  return {
    ...FIXED_LIMITS,
    pendingBytesMax,
    lanes: laneLimits({ pendingCallsMax, pendingBytesMax }, lanes),
    resilience: resilienceLimits(given),
  };
}
