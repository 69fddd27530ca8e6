import type { Holdfast, HoldfastOptions, Seams } from '@holdfast/client';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { SimulationClock } from './simulation-clock.ts';
import type { SimulationRandom } from './simulation-random.ts';

export interface SimulatedClientOptions<K, V> extends Omit<HoldfastOptions<K, V>, 'seams'> {
  /** The host that it runs on, one of `hosts`; the first of them by default. */
  readonly host?: string;
}

/** What the body of a simulation works with. */
export interface Simulation {
  readonly seed: number;
  /**
   * A real client, joined to the nodes by simulated links; as many as are wanted. Clients of one host share its links
   * to the nodes as those of one process do. Whatever it does takes virtual time only.
   */
  client<K = string, V = string>(options?: SimulatedClientOptions<K, V>): Holdfast<K, V>;
  readonly cluster: SimulatedCluster;
  readonly clock: SimulationClock;
  readonly random: SimulationRandom;
  /** For code that makes its own client: `new Holdfast(cluster.urls, { seams: seams() })`. By default of the first host. */
  seams(host?: string): Seams;
  /** Writes a line of the application into the trace, and so into the digest of the run. */
  note(words: string): void;
}
