import type {
  ClientMessage,
  ClusterId,
  HoldfastError,
  ServerMessage,
  Timer,
  Topology,
} from '@holdfast/types';
import type { Seams } from '../seams.ts';
import type { LinkId } from '../session/call.ts';
import { Endpoint } from './endpoint.ts';
import { Link, type Welcome } from './link.ts';
import { LinkHealth } from './link-health.ts';
import { type EndpointView, planLinks } from './link-plan.ts';
import type { LinkTiming } from './link-timing.ts';

export interface LinksHandlers {
  onUp(link: LinkId, welcome: Welcome, roundTripMs: number): void;
  onMessages(link: LinkId, messages: readonly ServerMessage[]): void;
  /** `error`: why, unless it was this client that cut it. */
  onDown(link: LinkId, error?: HoldfastError): void;
  onSilent(link: LinkId, silent: boolean): void;
  /** Every seed has refused this client for a reason that will last. */
  onRefused(error: HoldfastError): void;
  /** Answers are awaited over that link. */
  isBusy(link: LinkId): boolean;
  /** Events are awaited over that link. */
  isWatching(link: LinkId): boolean;
}

export interface LinksOptions {
  readonly seeds: readonly string[];
  readonly database: string;
  readonly name: string;
  readonly seams: Seams;
  readonly timing: LinkTiming;
  readonly handlers: LinksHandlers;
}

/** The connections of one client: kept to the nodes that matter, made again when lost, watched for silence. */
export class Links {
  readonly #options: LinksOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #byId = new Map<LinkId, Endpoint>();
  #topology: Topology;
  #cluster: ClusterId | undefined;
  #lastLink = 0;
  #welcomes = 0;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  /** Since when there has been none that is linked. */
  #noPrimarySince: number | undefined;
  #stopped = false;
  #onAllDown: (() => void) | undefined;

  constructor(options: LinksOptions, topology: Topology) {
    this.#options = options;
    this.#topology = topology;
    for (const seed of options.seeds) this.#endpoints.set(seed, new Endpoint(seed));
  }

  /** Why the addresses tried last did not answer. */
  get failures(): HoldfastError[] {
    const failures: HoldfastError[] = [];
    for (const { failure } of this.#endpoints.values()) if (failure !== undefined) failures.push(failure);
    return failures;
  }

  start(): void {
    this.#review();
  }

  send(link: LinkId, messages: readonly ClientMessage[]): void {
    this.#byId.get(link)?.link?.send(messages);
  }

  /** The node behind it broke the protocol. */
  cut(link: LinkId, reason: string): void {
    const endpoint = this.#byId.get(link);
    if (endpoint?.link === undefined) return;
    endpoint.link.violated(reason);
    this.#options.handlers.onDown(link);
  }

  /** What the nodes announce has changed. */
  follow(topology: Topology): void {
    const primaryBefore = `${this.#topology.term}.${this.#topology.primary}`;
    this.#topology = topology;
    if (primaryBefore !== `${topology.term}.${topology.primary}`) {
      const url = topology.nodes.find((node) => node.id === topology.primary)?.url;
      if (url !== undefined) this.#endpoint(url).hurry();
    }
    this.#review();
  }

  /** Closes every link; resolves when all are gone, after a moment by force. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const endpoint of this.#endpoints.values()) endpoint.link?.close();
    if (this.#byId.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onAllDown = resolve;
    });
  }

  /** Connects, closes and sets the timer as the plan has it. */
  #review(): void {
    if (this.#stopped) return;
    const { seams, timing } = this.#options;
    const now = seams.clock.now();
    const plan = planLinks({
      seeds: this.#options.seeds,
      topology: this.#topology,
      endpoints: [...this.#endpoints.values()].map(viewOf),
      linksMax: this.#linksMax(now),
    });
    for (const link of plan.close) this.#byId.get(link)?.link?.close();
    let next = now + timing.checkMs * (0.75 + seams.random.next() / 4);
    for (const url of plan.connect) {
      const endpoint = this.#endpoint(url);
      if (endpoint.retryAt <= now) this.#connect(endpoint);
      else next = Math.min(next, endpoint.retryAt);
    }
    this.#forgetStrangers(plan.connect);
    this.#wakeAt(next, now);
  }

  /** All there are, if those that are linked have shown no way to a primary for a while: others may have one. */
  #linksMax(now: number): number {
    const { linksMax, widenAfterMs } = this.#options.timing;
    const { primary } = this.#topology;
    const endpoints = [...this.#endpoints.values()];
    const isLinked = endpoints.some(({ link, node }) => link?.up && node !== undefined && node === primary);
    if (isLinked) this.#noPrimarySince = undefined;
    else this.#noPrimarySince ??= now;
    const since = this.#noPrimarySince ?? now;
    return now - since >= widenAfterMs ? Number.POSITIVE_INFINITY : linksMax;
  }

  #endpoint(url: string): Endpoint {
    let endpoint = this.#endpoints.get(url);
    if (endpoint === undefined) {
      endpoint = new Endpoint(url);
      this.#endpoints.set(url, endpoint);
    }
    return endpoint;
  }

  /** Addresses that nobody names any more and that have no link. */
  #forgetStrangers(wanted: readonly string[]): void {
    for (const [url, endpoint] of this.#endpoints) {
      if (endpoint.link !== undefined || wanted.includes(url) || this.#options.seeds.includes(url)) continue;
      if (!this.#topology.nodes.some((node) => node.url === url)) this.#endpoints.delete(url);
    }
  }

  #connect(endpoint: Endpoint): void {
    this.#lastLink += 1;
    const id = this.#lastLink;
    const { seams, timing, database, name, handlers } = this.#options;
    this.#byId.set(id, endpoint);
    const health = new LinkHealth(timing, { now: seams.clock.now(), random: seams.random.next() });
    endpoint.health = health;
    endpoint.link = new Link({
      id,
      url: endpoint.url,
      seams,
      timing,
      hello: { database, name, cluster: this.#cluster },
      handlers: {
        onWelcome: (welcome, roundTripMs) => this.#onWelcome({ endpoint, id, roundTripMs }, welcome),
        onMessages: (messages) => {
          health.heard(seams.clock.now());
          handlers.onSilent(id, false);
          handlers.onMessages(id, messages);
          if (messages.some(isAnswer)) endpoint.answered();
        },
        onDown: (error) => this.#onDown(endpoint, id, error),
      },
    });
  }

  #onWelcome(from: { endpoint: Endpoint; id: LinkId; roundTripMs: number }, welcome: Welcome): void {
    const { endpoint, id, roundTripMs } = from;
    const { clock } = this.#options.seams;
    endpoint.health?.heard(clock.now());
    if (this.#isForeign(welcome.cluster)) {
      endpoint.link?.violated('welcome of another cluster than before');
      return;
    }
    this.#cluster ??= welcome.cluster;
    this.#welcomes += 1;
    endpoint.welcomed(welcome.node, { order: this.#welcomes, now: clock.now() });
    if (!this.#stopped) this.#options.handlers.onUp(id, welcome, roundTripMs);
    this.#review();
  }

  /** Two links may have been greeted before either named its cluster. */
  #isForeign(cluster: ClusterId | undefined): boolean {
    return cluster !== undefined && this.#cluster !== undefined && cluster !== this.#cluster;
  }

  #onDown(endpoint: Endpoint, id: LinkId, error: HoldfastError): void {
    const { seams, timing, handlers, seeds } = this.#options;
    this.#byId.delete(id);
    if (endpoint.link?.id === id || endpoint.link === undefined) {
      endpoint.lost(error, { now: seams.clock.now(), random: seams.random.next(), timing });
    }
    handlers.onDown(id, error);
    if (this.#byId.size === 0) this.#onAllDown?.();
    if (this.#stopped) return;
    if (seeds.every((seed) => this.#endpoints.get(seed)?.refusedForGood)) handlers.onRefused(error);
    this.#review();
  }

  #wakeAt(at: number, now: number): void {
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#options.seams.clock.setTimer(Math.max(0, at - now), () => this.#onTimer());
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#options.seams.clock.now();
    for (const { link, health } of this.#endpoints.values()) {
      if (link?.up && health !== undefined) this.#checkHealth(link, health, now);
    }
    this.#review();
  }

  #checkHealth(link: Link, health: LinkHealth, now: number): void {
    const { handlers } = this.#options;
    const isWatching = handlers.isWatching(link.id);
    const verdict = health.check(
      now,
      handlers.isBusy(link.id) ? 'answers' : isWatching ? 'events' : 'nothing',
    );
    const isSignDue = verdict === 'fine' && health.isSignDue(now, link.sentAt);
    if (verdict === 'ping' || isSignDue) link.send([{ kind: 'ping', id: 0 }]);
    else if (verdict === 'silent') this.#options.handlers.onSilent(link.id, true);
    else if (verdict === 'dead') link.terminate();
  }
}

/** The node has done something that it was asked for. */
function isAnswer({ kind }: ServerMessage): boolean {
  return kind !== 'topology' && kind !== 'pong' && kind !== 'failed';
}

function viewOf(endpoint: Endpoint): EndpointView {
  const { url, link, node, lastNode, hasFailed, welcomeOrder } = endpoint;
  return {
    url,
    hasFailed,
    welcomeOrder,
    ...(lastNode === undefined ? {} : { lastNode }),
    ...(link === undefined ? {} : { link: link.id }),
    // A link that is being closed still takes its address, but no longer links with the node.
    ...(node === undefined || link?.up !== true ? {} : { node }),
  };
}
