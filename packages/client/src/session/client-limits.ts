import { LIMITS } from '@holdfast/types';
import { RESILIENCE_LIMITS, type ResilienceLimits } from '../resilience/resilience-limits.ts';

/** Bounds and timing of one client, milliseconds and bytes. */
export interface ClientLimits {
  /** Calls not settled yet, waiting or sent; beyond: CLIENT_QUEUE_FULL. */
  readonly pendingCallsMax: number;
  /** Keys and values of the writes among them. */
  readonly pendingBytesMax: number;
  /** Sequences taken and not answered, per session. */
  readonly sessionWindow: number;
  /** Keys and values of the writes of one session that were sent and not answered. */
  readonly inFlightBytesMax: number;
  /** Reads and scans sent and not answered. */
  readonly readsInFlightMax: number;
  /** A frame takes no further request beyond this. */
  readonly frameBytesTarget: number;
  readonly requestsPerFrameMax: number;
  /** A node is given this much less time than the caller has, so that its own verdict arrives first. */
  readonly answerMarginMs: number;
  /** Step of the one timer behind deadlines and pauses. */
  readonly tickMs: number;
  readonly resilience: ResilienceLimits;
}

export const CLIENT_LIMITS: ClientLimits = {
  pendingCallsMax: 100_000,
  pendingBytesMax: 268_435_456,
  sessionWindow: LIMITS.sessionWindow,
  inFlightBytesMax: 16_777_216,
  readsInFlightMax: 8192,
  frameBytesTarget: 1_048_576,
  requestsPerFrameMax: LIMITS.requestsPerFrameMax,
  answerMarginMs: 20,
  tickMs: 10,
  resilience: RESILIENCE_LIMITS,
};
