import type { LocalCluster } from './local-cluster.ts';

/** All nodes in one `holdfast://` location. */
export function locationOf({ urls }: LocalCluster): string {
  return `holdfast://${urls.map((url) => new URL(url).host).join(',')}/default`;
}
