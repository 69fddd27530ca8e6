import { setInterval } from 'node:timers/promises';
import type { LocalCluster } from '../cluster/local-cluster.ts';

const EVERY_MS = 2000;

/** Kills whoever is primary every two seconds, and starts it again at once, until `signal` says that it is enough. */
export async function killPrimaries(cluster: LocalCluster, signal: AbortSignal): Promise<number> {
  let kills = 0;
  // A pace, not a wait: how often it happens is what the test is about.
  for await (const _ of setInterval(EVERY_MS)) {
    if (signal.aborted) break;
    const victim = await cluster.primary();
    await cluster.kill(victim);
    await cluster.start(victim);
    kills += 1;
  }
  return kills;
}
