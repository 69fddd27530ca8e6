import type { SimCluster } from '../cluster/sim-cluster.ts';
import { OutOfTime } from '../sim-clock.ts';
import { RunFailure } from './run-failure.ts';
import type { Watch } from './watch.ts';

/** Lets time pass until it is so; an oracle's verdict ends the wait, and so does the limit, by the slowest clock. */
export async function untilOrFailure(wait: {
  readonly cluster: SimCluster;
  readonly watch: Watch;
  readonly what: string;
  readonly condition: () => boolean;
  readonly limitMs: number;
}): Promise<void> {
  const { cluster, watch, what, condition } = wait;
  const limitMs = wait.limitMs / cluster.clockRates.slowest;
  try {
    await cluster.clock.runUntil(() => watch.failure !== undefined || condition(), { limitMs });
  } catch (error) {
    // Timers are the simulator's; those that call the code under test do so by way of its process, which says so.
    if (!(error instanceof OutOfTime)) throw RunFailure.from(error, 'simulator');
    throw new RunFailure('liveness', what, `not so after ${limitMs.toFixed(0)} ms: ${what}`, error);
  }
  if (watch.failure !== undefined) throw watch.failure;
}
