import type { Schedule } from '../schedule/schedule.ts';

/** How many neighbours a schedule has. */
export const NEIGHBOURS = 6;

/**
 * A schedule a little aside: what a change of the product's timing might make of it. What finds a bug by itself and by
 * most of its neighbours is likely to go on finding it. From 1 to `NEIGHBOURS`; 0 is the schedule itself.
 */
export function neighbour(schedule: Schedule, ordinal: number): Schedule {
  const { cluster, seed } = schedule;
  switch (ordinal) {
    case 0:
      return schedule;
    case 1:
      return { ...schedule, cluster: { ...cluster, latencyMs: scaled(cluster.latencyMs, 1.1) } };
    case 2:
      return { ...schedule, faults: schedule.faults.map((fault) => ({ ...fault, atMs: fault.atMs + 1 })) };
    case 3:
      return withFirstThought(schedule, 1);
    case 4:
      return { ...schedule, seed: seed + 1 };
    case 5:
      return { ...schedule, cluster: { ...cluster, diskSlowness: cluster.diskSlowness * 1.2 } };
    case 6:
      return { ...schedule, seed: seed + 2 };
    default:
      throw new RangeError(`there is no neighbour ${ordinal}`);
  }
}

function scaled(range: Schedule['cluster']['latencyMs'], times: number): Schedule['cluster']['latencyMs'] {
  return { min: range.min * times, max: range.max * times };
}

/** All calls come so much later. */
function withFirstThought(schedule: Schedule, ms: number): Schedule {
  const clients = schedule.clients.map((client) => ({
    ...client,
    threads: client.threads.map((calls) =>
      calls.map((call, place) => (place === 0 ? { ...call, thinkMs: call.thinkMs + ms } : call)),
    ),
  }));
  return { ...schedule, clients };
}
