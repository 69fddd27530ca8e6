import { driverFor } from './driver-pool.ts';
import type { Location } from './location.ts';
import type { HoldfastOptions } from './options.ts';
import type { Seams } from './seams.ts';
import type { ClientNews } from './session/effects.ts';
import { Tenant } from './tenant.ts';

/** Events of a database beside abstract-level's. */
export type HoldfastEvent = 'topology' | 'diverged' | 'degraded' | ClientNews['event'];

/** Of a database with these options, not open yet. What it goes through is announced. */
export function tenantOf(
  location: Location,
  options: Omit<HoldfastOptions<unknown, unknown>, 'keyEncoding' | 'valueEncoding' | 'fallback'>,
  seams: Seams,
  announce: (event: HoldfastEvent, detail: object) => void,
): Tenant {
  return new Tenant({
    driver: driverFor(location, options, seams),
    namespace: options.namespace,
    logger: options.logger,
    isLazy: options.lazy === true,
    seams,
    onTopology: (topology) => announce('topology', topology),
    onNews: ({ event, detail }) => announce(event, detail),
    onDiverged: (divergence) => announce('diverged', divergence),
    onDegraded: (detail) => announce('degraded', detail),
  });
}
