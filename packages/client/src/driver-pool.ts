import { Driver, type DriverOptions } from './driver.ts';
import { LINK_TIMING } from './links/link-timing.ts';
import type { Location } from './location.ts';
import type { HoldfastOptions } from './options.ts';
import type { Seams } from './seams.ts';
import { clientLimits } from './session/client-limits.ts';

const POOLS = new WeakMap<Seams, DriverPool>();

/** One that others have joined or will: see `DriverPool`. To be joined at once. */
export function driverFor(
  { seeds, database }: Location,
  options: Omit<HoldfastOptions<unknown, unknown>, 'keyEncoding' | 'valueEncoding' | 'fallback'>,
  seams: Seams,
): Driver {
  const { name = 'holdfast-client' } = options;
  const limits = clientLimits(options);
  return DriverPool.of(seams).driver({ seeds, database, name, seams, limits, timing: LINK_TIMING });
}

/**
 * The drivers that databases share: one for all that name the same nodes, database, name and limits, so that a thousand
 * namespaces cost one set of links. A driver goes with the last that uses it.
 */
class DriverPool {
  readonly #drivers = new Map<string, Driver>();

  /** The one of this process, or of a simulated one. */
  static of(seams: Seams): DriverPool {
    const pool = POOLS.get(seams) ?? new DriverPool();
    POOLS.set(seams, pool);
    return pool;
  }

  /** To be joined at once. */
  driver(options: DriverOptions): Driver {
    const { seeds, database, name, limits } = options;
    const key = JSON.stringify([[...seeds].sort(), database, name, limits]);
    const known = this.#drivers.get(key);
    if (known?.isLeftBehind === false) return known;
    const driver: Driver = new Driver({ ...options, onDeserted: () => this.#forget(key, driver) });
    this.#drivers.set(key, driver);
    return driver;
  }

  #forget(key: string, driver: Driver): void {
    if (this.#drivers.get(key) === driver) this.#drivers.delete(key);
  }
}
