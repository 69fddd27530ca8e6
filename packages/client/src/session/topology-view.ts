import type { NodeId, Term, Topology, TopologyNode } from '@holdfast/types';

const UNKNOWN: Topology = { term: 0 as Term, nodes: [] };

/**
 * What this client believes of the cluster, merged from what the nodes announce. Of the primaries that are named the one of
 * the highest term wins. Within a term there is one at most: the first announcement of it stands, and only the primary
 * itself can take it back, since another node may simply not have heard yet. Nor does a higher term without a primary
 * take it back: its candidate may never win, or lose its disk and with it the term, and the others go on as before.
 */
export class TopologyView {
  #topology: Topology = UNKNOWN;
  /** The newest term whose primary has itself said that it is over. */
  #resignedTerm = 0;
  /** What each node that is linked has last named as its own term. */
  readonly #terms = new Map<NodeId, Term>();

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
    const known = this.#topology;
    const nodes = announced.nodes.length > 0 ? announced.nodes : known.nodes;
    this.#terms.set(from, term);
    const isNews = known.primary === undefined || term > known.term;
    if (isNews && primary !== undefined && this.#isBelievable(term, primary, from))
      return this.#become(term, primary, nodes);
    if (term < known.term) return false;
    if (known.primary !== undefined) {
      const isOver = from === known.primary && primary !== from;
      if (!isOver) return this.#become(known.term, known.primary, nodes);
      this.#resignedTerm = known.term;
    }
    return this.#become(term, undefined, nodes);
  }

  /** It tells no more: what others say of it counts again. */
  unlinked(node: NodeId): void {
    this.#terms.delete(node);
  }

  /** A primary that is over, or whose term is, is no longer one on hearsay: only if it says so itself. */
  #isBelievable(term: Term, primary: NodeId, from: NodeId): boolean {
    return primary === from || (term > this.#resignedTerm && term >= (this.#terms.get(primary) ?? 0));
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
