import { Driver, type DriverOptions } from './driver.ts';
import type { Seams } from './seams.ts';

const POOLS = new WeakMap<Seams, DriverPool>();

/**
 * The drivers that databases with a namespace share: one for all that name the same nodes and limits, so that a
 * thousand namespaces cost one set of links. A driver goes with the last that uses it.
 */
export class DriverPool {
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
    let driver = this.#drivers.get(key);
    if (driver === undefined) {
      driver = new Driver({ ...options, onDeserted: () => this.#drivers.delete(key) });
      this.#drivers.set(key, driver);
    }
    return driver;
  }
}
