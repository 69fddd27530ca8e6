import type { NodeId, Topology } from '@holdfast/types';
import type { LinkId } from '../session/call.ts';

/** An address and what is known of the connection to it. */
export interface EndpointView {
  readonly url: string;
  /** Absent while there is no connection, nor one in the making. */
  readonly link?: LinkId;
  /** Who welcomed this client there; absent before. */
  readonly node?: NodeId;
  /** Who did so last, in this connection or one before it. */
  readonly lastNode?: NodeId;
  /** The last attempt came to nothing. */
  readonly hasFailed?: boolean;
  /** Place of the last welcome there among all. */
  readonly welcomeOrder?: number;
}

export interface LinkPlan {
  /** Addresses that should have a connection and have none. */
  readonly connect: readonly string[];
  /** Links that are of no use: second ones to a node, and those beyond the number wanted. */
  readonly close: readonly LinkId[];
}

/**
 * Which nodes to be linked with: the primary, and others up to `linksMax`, since they are the ones who tell when
 * it is replaced. While nobody is linked every address ever given is tried, the seeds among them. A node that is not to be
 * reached where it says it is, as one behind mapped ports, is looked for at seeds where it was met or may be.
 */
export function planLinks(state: {
  readonly seeds: readonly string[];
  readonly topology: Topology;
  readonly endpoints: readonly EndpointView[];
  readonly linksMax: number;
}): LinkPlan {
  const { seeds, topology, endpoints } = state;
  const linked = new Map<NodeId, LinkId>();
  const orders = new Map<LinkId, number>();
  const close: LinkId[] = [];
  for (const endpoint of [...endpoints].sort((left, right) => (left.link ?? 0) - (right.link ?? 0))) {
    const { link, node, welcomeOrder = 0 } = endpoint;
    if (link === undefined || node === undefined) continue;
    orders.set(link, welcomeOrder);
    const other = linked.get(node);
    // The one that was welcomed first is kept: it carries calls, and what is held over it would be lost.
    const isKept = other === undefined || welcomeOrder < (orders.get(other) ?? 0);
    if (other !== undefined) close.push(isKept ? other : link);
    if (isKept) linked.set(node, link);
  }
  const wanted = wantedNodes(topology, linked, state.linksMax);
  for (const [node, link] of linked) if (!wanted.includes(node)) close.push(link);

  const addresses = new Set<string>();
  for (const node of topology.nodes) {
    if (!linked.has(node.id) && (wanted.includes(node.id) || linked.size === 0)) addresses.add(node.url);
  }
  const viewAt = new Map(endpoints.map((endpoint) => [endpoint.url, endpoint]));
  const lost = topology.nodes.filter(
    ({ id, url }) => wanted.includes(id) && !linked.has(id) && viewAt.get(url)?.hasFailed === true,
  );
  for (const seed of seeds) {
    const met = viewAt.get(seed)?.lastNode ?? topology.nodes.find(({ url }) => url === seed)?.id;
    const mayHelp = lost.length > 0 && (met === undefined || lost.some(({ id }) => id === met));
    if (linked.size === 0 || mayHelp) addresses.add(seed);
  }
  const busy = new Set(endpoints.filter(({ link }) => link !== undefined).map(({ url }) => url));
  return { connect: [...addresses].filter((url) => !busy.has(url)), close };
}

/** Linked nodes that the topology does not name (yet) are kept: it may be the topology that is old. */
function wantedNodes(topology: Topology, linked: ReadonlyMap<NodeId, LinkId>, linksMax: number): NodeId[] {
  const wanted = new Set<NodeId>();
  if (topology.primary !== undefined) wanted.add(topology.primary);
  for (const node of linked.keys()) if (wanted.size < linksMax) wanted.add(node);
  for (const node of topology.nodes) if (wanted.size < linksMax) wanted.add(node.id);
  return [...wanted];
}
