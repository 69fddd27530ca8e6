import { type LinkId, NO_LINK, type RoutableCall } from './call.ts';

/** Which nodes a read is to be asked of, if they can be; others answer when they cannot. */
export type ReadPreference = 'primary' | 'standby' | 'nearest';

/** The links reads may go over. */
export interface ReadRoutes {
  /** To the primary, if there is one. */
  readonly primary: LinkId;
  /** All that are up, those heard from lately first, the primary before the others. */
  readonly all: readonly LinkId[];
  /** To standbys that were heard from lately. */
  readonly standbys: readonly LinkId[];
  /** To nodes that were heard from lately, and are about as near as the nearest of them. */
  readonly near: readonly LinkId[];
}

export const NO_ROUTES: ReadRoutes = { primary: NO_LINK, all: [], standbys: [], near: [] };

/** Only the primary may be asked. */
export function isForPrimary(call: RoutableCall): boolean {
  return call.consistency === 'linearizable' && call.readPreference === 'primary';
}

/** Where to ask; calls that may as well go to several nodes take turns. */
export function chooseLink(call: RoutableCall, routes: ReadRoutes): LinkId {
  if (isForPrimary(call)) return routes.primary;
  return (
    preferredLink(call, routes) ?? routes.all.find((link) => link !== call.avoid) ?? routes.all[0] ?? NO_LINK
  );
}

function preferredLink(
  { readPreference, avoid, order }: RoutableCall,
  routes: ReadRoutes,
): LinkId | undefined {
  if (readPreference === 'primary') {
    const { primary } = routes;
    // A silent one does not stand first.
    return primary !== NO_LINK && primary === routes.all[0] && primary !== avoid ? primary : undefined;
  }
  const links = readPreference === 'standby' ? routes.standbys : routes.near;
  const open = avoid === NO_LINK ? links : links.filter((link) => link !== avoid);
  return open[order % open.length];
}
