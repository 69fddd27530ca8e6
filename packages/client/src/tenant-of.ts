import { driverFor } from './driver-pool.ts';
import type { ToldEvent } from './events/event-feed.ts';
import type { Location } from './location.ts';
import type { HoldfastOptions } from './options.ts';
import type { Seams } from './seams.ts';
import { Tenant } from './tenant.ts';

/** Of a database with these options, not open yet. What it goes through is announced. */
export function tenantOf(
  location: Location,
  options: Omit<HoldfastOptions<unknown, unknown>, 'keyEncoding' | 'valueEncoding' | 'fallback'>,
  seams: Seams,
  announce: (told: ToldEvent) => void,
): Tenant {
  const tell = (told: Omit<ToldEvent, 'atMs'>): void => announce({ ...told, atMs: seams.clock.now() });
  return new Tenant({
    driver: driverFor(location, options, seams),
    namespace: options.namespace,
    logger: options.logger,
    isLazy: options.lazy === true,
    seams,
    onTopology: (detail) => tell({ event: 'topology', detail }),
    onNews: tell,
    onDiverged: (detail) => tell({ event: 'diverged', detail }),
    onDegraded: (detail) => tell({ event: 'degraded', detail }),
  });
}
