import type { CoreTiming } from '@holdfast/core';

/** Times of the links, milliseconds. All follow from the election timeout, so that one setting moves them all. */
export interface LinkTiming {
  /** From dialling to the other side's hello. */
  readonly handshakeTimeoutMs: number;
  /** Between two looks at every link; an empty frame goes out at each. */
  readonly pulseMs: number;
  /** A link without a byte for so many looks is cut (ADR 9). Counted in looks: a node that was itself frozen cuts nothing. */
  readonly silentPulsesMax: number;
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  /** A link that lasted less counts as a failed attempt, so that a link cut at once is not redialled in a loop. */
  readonly steadyMs: number;
}

export function linkTiming(timing: CoreTiming): LinkTiming {
  return {
    handshakeTimeoutMs: Math.min(1000, Math.max(200, 2 * timing.electionTimeoutMs)),
    pulseMs: Math.max(10, timing.electionTimeoutMs / 4),
    silentPulsesMax: 8,
    redialMinMs: 20,
    redialMaxMs: 500,
    steadyMs: 200,
  };
}
