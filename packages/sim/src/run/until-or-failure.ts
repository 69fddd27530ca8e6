import type { SimCluster } from '../cluster/sim-cluster.ts';
import { OutOfTime } from '../sim-clock.ts';
import { RunFailure } from './run-failure.ts';
import type { Watch } from './watch.ts';

/** Lets time pass until it is so; an oracle's verdict ends the wait, and so does the limit. */
export async function untilOrFailure(wait: {
  readonly cluster: SimCluster;
  readonly watch: Watch;
  readonly what: string;
  readonly condition: () => boolean;
  readonly limitMs: number;
}): Promise<void> {
  const { cluster, watch, what, condition, limitMs } = wait;
  try {
    await cluster.clock.runUntil(() => watch.failure !== undefined || condition(), { limitMs });
  } catch (error) {
    // What is called by a timer is the code under test.
    if (!(error instanceof OutOfTime)) throw RunFailure.from(error, 'crash');
    throw new RunFailure('liveness', what, `not so after ${limitMs} ms: ${what}`, error);
  }
  if (watch.failure !== undefined) throw watch.failure;
}
