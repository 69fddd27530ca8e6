import type { NodeBreaker } from '../resilience/node-breaker.ts';
import type { LinkId, RoutableCall } from './call.ts';

/** Which nodes a read is to be asked of, if they can be; others answer when they cannot. */
export type ReadPreference = 'primary' | 'standby' | 'nearest';

/** The links reads may go over. Whoever is given one sends a call over it. */
export interface ReadRoutes {
  readonly term: number;
  /** For what only the primary may be asked, as long as it is to be trusted. NO_LINK: nobody can be asked now. */
  forPrimary(call: RoutableCall, now: number): LinkId;
  /** For what others may be asked as well; who may as well go to several takes turns. */
  forAnybody(call: RoutableCall, now: number): LinkId;
  breakerOf(link: LinkId): NodeBreaker | undefined;
}

/** Only the primary may be asked. */
export function isForPrimary(call: RoutableCall): boolean {
  return call.consistency === 'linearizable' && call.readPreference === 'primary';
}
