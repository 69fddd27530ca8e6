import type { ClientLanes } from '../oracles/shell-queues.ts';

/** Of each client: room for all that a plan asks at once. */
export const CLIENT_LANES: ClientLanes = {
  writes: { callsMax: 256, bytesMax: 4_194_304 },
  reads: { callsMax: 256, bytesMax: 4_194_304 },
  scans: { callsMax: 64, bytesMax: 262_144 },
  watches: { callsMax: 64, bytesMax: 262_144 },
};
