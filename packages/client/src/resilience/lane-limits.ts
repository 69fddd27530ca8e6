import { LANES, type Lane } from '@holdfast/types';
import { invalidOption } from '../invalid-option.ts';

/** How many calls of one kind may wait for an answer, and how many bytes of keys and values these may hold. */
export interface LaneLimit {
  readonly callsMax: number;
  readonly bytesMax: number;
}

export type LaneLimits = Readonly<Record<Lane, LaneLimit>>;

/** What a client is told that differs from the shares. */
export type LaneOptions = { readonly [Name in Lane]?: Partial<LaneLimit> | undefined };

/** Of all calls and bytes that may wait. Together the whole: what one lane has no other can take. */
const SHARES: Readonly<Record<Lane, number>> = { writes: 0.5, reads: 0.4, scans: 0.05, watches: 0.05 };

/** A share of all that may wait for each lane, or what is given in its place. Throws HOLDFAST_INVALID_ARGUMENT. */
export function laneLimits(
  all: { readonly pendingCallsMax: number; readonly pendingBytesMax: number },
  given: LaneOptions,
): LaneLimits {
  checkLanes(given);
  const limitOf = (lane: Lane): LaneLimit => ({
    callsMax: given[lane]?.callsMax ?? Math.max(1, Math.floor(all.pendingCallsMax * SHARES[lane])),
    bytesMax: given[lane]?.bytesMax ?? Math.max(1, Math.floor(all.pendingBytesMax * SHARES[lane])),
  });
  return {
    writes: limitOf('writes'),
    reads: limitOf('reads'),
    scans: limitOf('scans'),
    watches: limitOf('watches'),
  };
}

function checkLanes(given: unknown): void {
  if (typeof given !== 'object' || given === null) throw invalidOption('lanes', given, 'an object');
  for (const [lane, limit] of Object.entries(given)) {
    if (!LANES.includes(lane as Lane))
      throw invalidOption(`lanes.${lane}`, limit, `one of ${LANES.join(', ')}`);
    if (limit === undefined) continue;
    if (typeof limit !== 'object' || limit === null) throw invalidOption(`lanes.${lane}`, limit, 'an object');
    for (const [name, value] of Object.entries(limit)) {
      if (name !== 'callsMax' && name !== 'bytesMax')
        throw invalidOption(`lanes.${lane}.${name}`, value, 'callsMax or bytesMax');
      if (typeof value !== 'number' || !(value >= 1))
        throw invalidOption(`lanes.${lane}.${name}`, value, 'a number from 1 on');
    }
  }
}
