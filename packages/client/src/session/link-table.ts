import type { NodeId, Term, Topology } from '@holdfast/types';
import { type LinkId, NO_LINK } from './call.ts';
import { NO_ROUTES, type ReadRoutes } from './read-routes.ts';
import { TopologyView } from './topology-view.ts';

/** Where writes go: the link to the primary, in that term. */
export interface Target {
  readonly link: LinkId;
  readonly term: Term;
}

interface LinkState {
  readonly link: LinkId;
  readonly node: NodeId;
  readonly roundTripMs: number;
  silent: boolean;
}

/** How much farther than the nearest a node may be and count as near, too: less is noise. */
const NEAR_MS = 2;

/** The links that are up, what their nodes announced, and what follows for routing. */
export class LinkTable {
  readonly #links = new Map<LinkId, LinkState>();
  readonly #view = new TopologyView();
  #target: Target | undefined;
  #routes: ReadRoutes = NO_ROUTES;

  get topology(): Topology {
    return this.#view.current;
  }

  /** Absent while no primary is known or none is linked. */
  get target(): Target | undefined {
    return this.#target;
  }

  get routes(): ReadRoutes {
    return this.#routes;
  }

  has(link: LinkId): boolean {
    return this.#links.has(link);
  }

  nodeOf(link: LinkId): NodeId | undefined {
    return this.#links.get(link)?.node;
  }

  /** True if the topology changed. */
  add(link: LinkId, welcome: { node: NodeId; topology: Topology; roundTripMs: number }): boolean {
    const { node, roundTripMs } = welcome;
    this.#links.set(link, { link, node, roundTripMs, silent: false });
    this.#reroute();
    return this.#view.learn(welcome.topology, welcome.node);
  }

  /** False if it was not up. */
  remove(link: LinkId): boolean {
    const removed = this.#links.delete(link);
    if (removed) this.#reroute();
    return removed;
  }

  /** True if the topology changed. */
  learn(link: LinkId, topology: Topology): boolean {
    const state = this.#links.get(link);
    return state !== undefined && this.#view.learn(topology, state.node);
  }

  /** True if that is news. */
  setSilent(link: LinkId, silent: boolean): boolean {
    const state = this.#links.get(link);
    if (state === undefined || state.silent === silent) return false;
    state.silent = silent;
    this.#reroute();
    return true;
  }

  /** Looks for the primary among the links. Returns the target if it is a new one, in link or term. */
  retarget(): Target | undefined {
    const before = this.#target;
    const link = this.#primaryLink();
    if (link === undefined) {
      this.#target = undefined;
      this.#reroute();
      return undefined;
    }
    const { term } = this.#view;
    if (before !== undefined && before.link === link && before.term === term) return undefined;
    this.#target = { link, term };
    this.#reroute();
    return this.#target;
  }

  #primaryLink(): LinkId | undefined {
    const { primary } = this.#view;
    if (primary === undefined) return undefined;
    for (const state of this.#links.values()) if (state.node === primary) return state.link;
    return undefined;
  }

  /** Those heard from lately first, the primary before the others. */
  #reroute(): void {
    const primary =
      this.#target !== undefined && this.#links.has(this.#target.link) ? this.#target.link : NO_LINK;
    const rank = (state: LinkState): number => (state.silent ? 2 : 0) + (state.link === primary ? 0 : 1);
    const sorted = [...this.#links.values()].sort((left, right) => rank(left) - rank(right));
    const heard = sorted.filter(({ silent }) => !silent);
    const nearestMs = Math.min(...heard.map(({ roundTripMs }) => roundTripMs));
    const near = heard.filter(({ roundTripMs }) => roundTripMs <= nearestMs + NEAR_MS);
    const standbys = heard.filter(({ link }) => link !== primary);
    this.#routes = { primary, all: linksOf(sorted), standbys: linksOf(standbys), near: linksOf(near) };
  }
}

function linksOf(states: readonly LinkState[]): LinkId[] {
  return states.map(({ link }) => link);
}
