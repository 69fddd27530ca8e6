import type { CoreStanding } from '@holdfast/core';
import type { NodeId, PeerHello, Topology, TopologyNode } from '@holdfast/types';
import type { NodeConfig } from '../config/node-config.ts';

/** Where clients reach the node of this configuration. */
export function ownUrl(config: NodeConfig): string {
  return config.advertise ?? urlOf(config, config.id);
}

/** The address of a voter by the configured list. */
export function urlOf(config: NodeConfig, peer: NodeId): string {
  const address = config.peers.find(({ id }) => id === peer);
  if (address === undefined) throw new Error(`no node ${peer} is configured`);
  return address.url;
}

/** The cluster as this node knows it: peers under the address they gave themselves, if they were met. */
export function topologyOf(
  config: NodeConfig,
  { term, primary }: CoreStanding,
  helloOf: (peer: NodeId) => PeerHello | undefined,
): Topology {
  const nodes = config.peers.map(({ id, url }): TopologyNode => {
    if (id === config.id) return { id, url: ownUrl(config), ...zoned(config.zone) };
    const hello = helloOf(id);
    return { id, url: hello?.clientUrl ?? url, ...zoned(hello?.zone) };
  });
  return { term, ...(primary === undefined ? {} : { primary }), nodes };
}

export function sameTopology(left: Topology, right: Topology): boolean {
  if (left.term !== right.term || left.primary !== right.primary || left.nodes.length !== right.nodes.length)
    return false;
  return left.nodes.every((node, position) => {
    const other = right.nodes[position]!;
    return node.id === other.id && node.url === other.url && node.zone === other.zone;
  });
}

function zoned(zone: string | undefined): { readonly zone?: string } {
  return zone === undefined ? {} : { zone };
}
