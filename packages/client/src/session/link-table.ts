import type { NodeId, Term, Topology } from '@holdfast/types';
import type { Breakers } from '../resilience/breakers.ts';
import type { NodeBreaker } from '../resilience/node-breaker.ts';
import { type LinkId, NO_LINK, type ReadCall, type RoutableCall, type WatchCall } from './call.ts';
import type { ClientHealth, NodeHealth } from './client-health.ts';
import type { ReadRoutes } from './read-routes.ts';
import { TopologyView } from './topology-view.ts';

/** Where writes go: the link to the primary, in that term. */
export interface Target {
  readonly link: LinkId;
  readonly term: Term;
  readonly breaker: NodeBreaker;
}

interface LinkState {
  readonly link: LinkId;
  readonly node: NodeId;
  readonly roundTripMs: number;
  readonly breaker: NodeBreaker;
  silent: boolean;
  /** It is out of its cluster, which it stays for as long as its process lives. */
  out: boolean;
}

/** How much farther than the nearest a node may be and count as near, too: less is noise. */
const NEAR_MS = 2;
/** A primary that is announced and has not been linked for so long is asked through others, milliseconds. */
const DETOUR_AFTER_MS = 500;

/** The links that are up, what their nodes announced, and what follows for routing. */
export class LinkTable implements ReadRoutes {
  readonly #breakers: Breakers;
  readonly #links = new Map<LinkId, LinkState>();
  readonly #view = new TopologyView();
  #target: Target | undefined;
  /** Since when there has been none. */
  #targetLostAt: number | undefined;
  /** Those heard from lately first, the primary before the others; those that are out of their cluster last. */
  #ranked: readonly LinkState[] = [];
  /** Those heard from lately that are standbys; and that are about as near as the nearest. */
  #standbys: readonly LinkState[] = [];
  #near: readonly LinkState[] = [];

  constructor(breakers: Breakers) {
    this.#breakers = breakers;
  }

  get topology(): Topology {
    return this.#view.current;
  }

  get term(): Term {
    return this.#view.term;
  }

  /** Links that are up. */
  get size(): number {
    return this.#ranked.length;
  }

  /** These links, in the order in which they came up. */
  get up(): Iterable<LinkId> {
    return this.#links.keys();
  }

  /** Those whose nodes keep silent. */
  get silent(): readonly LinkId[] {
    return this.#ranked.filter(({ silent }) => silent).map(({ link }) => link);
  }

  /** Absent while no primary is known or none is linked. */
  get target(): Target | undefined {
    return this.#target;
  }

  get primary(): LinkId {
    return this.#target?.link ?? NO_LINK;
  }

  has(link: LinkId): boolean {
    return this.#links.has(link);
  }

  nodeOf(link: LinkId): NodeId | undefined {
    return this.#links.get(link)?.node;
  }

  breakerOf(link: LinkId): NodeBreaker | undefined {
    return this.#links.get(link)?.breaker;
  }

  get health(): Pick<ClientHealth, 'connected' | 'term' | 'primary' | 'nodes'> {
    const { term, primary, nodes } = this.topology;
    return {
      connected: this.size > 0,
      term,
      ...(primary === undefined ? {} : { primary }),
      nodes: nodes.map(({ id, url }) => ({ id, url, ...this.#healthOf(id) })),
    };
  }

  /** True if the topology changed. */
  add(link: LinkId, welcome: { node: NodeId; topology: Topology; roundTripMs: number }): boolean {
    const { node, topology, roundTripMs } = welcome;
    const breaker = this.#breakers.of(node);
    breaker.relinked();
    this.#links.set(link, { link, node, roundTripMs, breaker, silent: false, out: false });
    this.#rank();
    return this.#view.learn(topology, node);
  }

  /** False if it was not up. */
  remove(link: LinkId): boolean {
    const state = this.#links.get(link);
    if (state === undefined) return false;
    this.#links.delete(link);
    this.#view.unlinked(state.node);
    this.#rank();
    return true;
  }

  /** True if the topology changed. */
  learn(link: LinkId, topology: Topology): boolean {
    const state = this.#links.get(link);
    return state !== undefined && this.#view.learn(topology, state.node);
  }

  /** True if that is news. */
  setSilent(link: LinkId, silent: boolean, now: number): boolean {
    const state = this.#links.get(link);
    if (state === undefined || state.silent === silent) return false;
    state.silent = silent;
    state.breaker.silent(silent, now);
    this.#rank();
    return true;
  }

  /** Its node has said that it is out of its cluster: nothing is asked of it while there is anybody else. */
  setOut(link: LinkId): void {
    const state = this.#links.get(link);
    if (state === undefined || state.out) return;
    state.out = true;
    this.#rank();
  }

  /** Looks for the primary among the links. Returns the target if it is a new one, in link or term. */
  retarget(now: number): Target | undefined {
    const before = this.#target;
    const primary = this.#primaryLink();
    if (primary === undefined) {
      this.#target = undefined;
      // One that kept silent was asked through others before its link was given up, and goes on to be.
      this.#targetLostAt ??= before?.breaker.cause === 'silent' ? now - DETOUR_AFTER_MS : now;
      this.#rank();
      return undefined;
    }
    const { link, breaker } = primary;
    const { term } = this.#view;
    if (before !== undefined && before.link === link && before.term === term) return undefined;
    // What is owed to a new primary is never held back for what the node did as a standby.
    if (before?.term !== term && !primary.silent) breaker.reset();
    this.#target = { link, term, breaker };
    this.#targetLostAt = undefined;
    this.#rank();
    return this.#target;
  }

  /** The primary; another node, which asks the primary, if that one is left out: those that could not are asked last. */
  forPrimary(call: RoutableCall, now: number): LinkId {
    const target = this.#target;
    if (target === undefined) return this.#isDetourDue(now) ? this.#detourFor(call) : NO_LINK;
    const { link, breaker } = target;
    if (breaker.state === 'closed') return link;
    if (breaker.cause !== 'silent' && breaker.mayProbe(now)) {
      breaker.probing(now);
      return link;
    }
    const other = this.#detourFor(call);
    if (other !== NO_LINK) return other;
    if (!breaker.holdsBack) return link;
    if (!breaker.mayProbe(now)) return NO_LINK;
    breaker.probing(now);
    return link;
  }

  /** The preferred nodes in turns, but not the one it is to avoid, if there is a choice. None: all are left out for now. */
  forAnybody(call: RoutableCall, now: number): LinkId {
    const { order, isDegraded } = call;
    // It wants an answer and not the newest: nodes that may answer take turns, and none is tried out on it.
    const readPreference = isDegraded ? 'standby' : call.readPreference;
    const [first] = this.#ranked;
    const isFirstGood = first !== undefined && !call.avoids(first.link) && isTrusted(first);
    if (readPreference === 'primary' && isFirstGood && first.link === this.primary) return first.link;
    const due = isDegraded
      ? undefined
      : this.#ranked.find(({ breaker }) => breaker.cause !== 'silent' && breaker.mayProbe(now));
    if (due !== undefined) return probed(due, now);
    if (readPreference !== 'primary') {
      const wanted = readPreference === 'standby' ? this.#standbys : this.#near;
      const open = wanted.filter((state) => !call.avoids(state.link) && isTrusted(state));
      const preferred = open[order % open.length];
      if (preferred !== undefined) return preferred.link;
    }
    const chosen = this.#trustedFor(call);
    if (chosen !== undefined) return chosen.link;
    // All are left out: one probe at a time goes to whoever has been heard last.
    if (first === undefined || this.#ranked.some(({ breaker }) => breaker.state === 'half-open'))
      return NO_LINK;
    return this.#ranked.every(({ breaker }) => !breaker.mayProbe(now)) ? NO_LINK : probed(first, now);
  }

  /** For a second copy of a read that a node does not answer; those who may be asked take turns. None: nobody else is trusted. */
  forHedge(call: ReadCall): LinkId {
    const others = this.#ranked.filter(
      (state) =>
        state.link !== call.link &&
        isTrusted(state) &&
        !state.silent &&
        !state.out &&
        !call.avoids(state.link),
    );
    return others[call.order % others.length]?.link ?? NO_LINK;
  }

  /** Somebody has not refused it for good who may answer it some time: a node that is out of its cluster never does. */
  isAnyLeftFor({ refusedBy }: WatchCall): boolean {
    return this.#ranked.some(({ link, out }) => !out && !refusedBy.has(link));
  }

  /** Somebody is trusted who has not refused it, and not out of its cluster. */
  hasOtherFor(call: RoutableCall): boolean {
    return this.#ranked.some((state) => isTrusted(state) && !state.out && !call.hasRefusal(state.link));
  }

  #healthOf(node: NodeId): Omit<NodeHealth, 'id' | 'url'> {
    const state = this.#ranked.find((candidate) => candidate.node === node);
    const { state: breaker, cause } = this.#breakers.of(node);
    return {
      linked: state !== undefined,
      silent: state?.silent ?? false,
      breaker,
      ...(cause === undefined ? {} : { breakerCause: cause }),
    };
  }

  /** Others have a primary that this client alone cannot reach, as far as they have said. */
  #isDetourDue(now: number): boolean {
    const since = this.#targetLostAt;
    return this.#view.primary !== undefined && since !== undefined && now - since >= DETOUR_AFTER_MS;
  }

  #detourFor(call: RoutableCall): LinkId {
    return this.#trustedFor(call)?.link ?? NO_LINK;
  }

  /** Rather again one that it avoids than one that is out of its cluster. */
  #trustedFor(call: RoutableCall): LinkState | undefined {
    const trusted = this.#ranked.filter(isTrusted);
    const isWanted = ({ link, out }: LinkState): boolean => !out && !call.avoids(link);
    return trusted.find(isWanted) ?? trusted[0];
  }

  #primaryLink(): LinkState | undefined {
    const { primary } = this.#view;
    if (primary === undefined) return undefined;
    for (const state of this.#links.values()) if (state.node === primary) return state;
    return undefined;
  }

  #rank(): void {
    const { primary } = this;
    const rank = (state: LinkState): number =>
      (state.out ? 4 : 0) + (state.silent ? 2 : 0) + (state.link === primary ? 0 : 1);
    this.#ranked = [...this.#links.values()].sort((left, right) => rank(left) - rank(right));
    const heard = this.#ranked.filter(({ silent, out }) => !silent && !out);
    const nearestMs = Math.min(...heard.map(({ roundTripMs }) => roundTripMs));
    this.#near = heard.filter(({ roundTripMs }) => roundTripMs <= nearestMs + NEAR_MS);
    this.#standbys = heard.filter(({ link }) => link !== primary);
  }
}

function isTrusted({ breaker }: LinkState): boolean {
  return breaker.state === 'closed';
}

function probed({ link, breaker }: LinkState, now: number): LinkId {
  breaker.probing(now);
  return link;
}
