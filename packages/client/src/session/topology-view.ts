import type { NodeId, Term, Topology, TopologyNode } from '@holdfast/types';

const UNKNOWN: Topology = { term: 0 as Term, nodes: [] };

/**
 * What this client believes of the cluster, merged from what the nodes announce. The highest term wins. Within
 * a term there is one primary at most: the first announcement of it stands, and only the primary itself can
 * take it back, since another node may simply not have heard yet.
 */
export class TopologyView {
  #topology: Topology = UNKNOWN;
  /** The newest term whose primary has itself said that it resigned. */
  #resignedTerm = 0;

  get current(): Topology {
    return this.#topology;
  }

  get primary(): NodeId | undefined {
    return this.#topology.primary;
  }

  get term(): Term {
    return this.#topology.term;
  }

  node(id: NodeId): TopologyNode | undefined {
    return this.#topology.nodes.find((node) => node.id === id);
  }

  /** An announcement by node `from`. True if anything changed. */
  learn(announced: Topology, from: NodeId): boolean {
    const { term, primary } = announced;
    const nodes = announced.nodes.length > 0 ? announced.nodes : this.#topology.nodes;
    if (term > this.#topology.term) return this.#become(term, this.#believable(term, primary, from), nodes);
    if (term < this.#topology.term) return false;
    const known = this.#topology.primary;
    if (known === undefined) return this.#become(term, this.#believable(term, primary, from), nodes);
    if (primary === undefined && from === known) {
      this.#resignedTerm = term;
      return this.#become(term, undefined, nodes);
    }
    return this.#become(term, known, nodes);
  }

  /** A primary that resigned is no longer one on hearsay: only if it says so itself. */
  #believable(term: Term, primary: NodeId | undefined, from: NodeId): NodeId | undefined {
    return term === this.#resignedTerm && primary !== from ? undefined : primary;
  }

  #become(term: Term, primary: NodeId | undefined, nodes: readonly TopologyNode[]): boolean {
    const before = this.#topology;
    if (before.term === term && before.primary === primary && sameNodes(before.nodes, nodes)) return false;
    this.#topology = primary === undefined ? { term, nodes } : { term, primary, nodes };
    return true;
  }
}

function sameNodes(left: readonly TopologyNode[], right: readonly TopologyNode[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((node, position) => {
    const other = right[position];
    return other !== undefined && node.id === other.id && node.url === other.url && node.zone === other.zone;
  });
}
