import type { HoldfastError, NodeId } from '@holdfast/types';
import type { Link } from './link.ts';
import type { LinkHealth } from './link-health.ts';
import type { LinkTiming } from './link-timing.ts';

/** Refusals that asking again cannot cure, short of somebody changing the configuration. */
const LASTING: ReadonlySet<string> = new Set([
  'HOLDFAST_VERSION_MISMATCH',
  'HOLDFAST_WRONG_CLUSTER',
  'HOLDFAST_UNKNOWN_DATABASE',
  'HOLDFAST_ORIGIN_REFUSED',
]);

/** One address: the link to it, if any, and when to try again. */
export class Endpoint {
  readonly url: string;
  link: Link | undefined;
  health: LinkHealth | undefined;
  /** Who answered there, while the link is up. */
  node: NodeId | undefined;
  /** Who did so last. */
  lastNode: NodeId | undefined;
  /** Place of that welcome among all of this client's. */
  welcomeOrder = 0;
  /** The last attempt came to nothing: nobody was there, or nobody welcomed this client. */
  hasFailed = false;
  /** Not to be tried before. */
  retryAt = 0;
  /** Why the last attempt failed. */
  failure: HoldfastError | undefined;
  /** Links one after the other that were of no use. */
  #failures = 0;
  #welcomedAt = 0;
  #hasAnswered = false;

  constructor(url: string) {
    this.url = url;
  }

  /** The last attempt ended in a refusal that lasts. */
  get refusedForGood(): boolean {
    return this.link === undefined && this.failure !== undefined && LASTING.has(this.failure.code);
  }

  welcomed(node: NodeId, { order, now }: { readonly order: number; readonly now: number }): void {
    this.node = node;
    this.lastNode = node;
    this.welcomeOrder = order;
    this.hasFailed = false;
    this.failure = undefined;
    this.#welcomedAt = now;
    this.#hasAnswered = false;
  }

  /** It has been of use: something was answered over it. */
  answered(): void {
    this.#hasAnswered = true;
  }

  /**
   * The link is gone. The pause doubles with every one that was of no use, welcomed or not: a node that breaks the protocol, or
   * hangs up, as soon as it has welcomed its client, or breaks it with its second answer, would otherwise be tried a hundred
   * times a second.
   */
  lost(failure: HoldfastError, options: { now: number; random: number; timing: LinkTiming }): void {
    const { now, random, timing } = options;
    const hasLasted = this.node !== undefined && now - this.#welcomedAt >= timing.redialMsMax;
    const wasOfUse = this.#hasAnswered && failure.code !== 'HOLDFAST_INVALID_MESSAGE';
    if (hasLasted || (this.node !== undefined && wasOfUse)) this.#failures = 0;
    this.link = undefined;
    this.health = undefined;
    this.hasFailed = this.node === undefined;
    this.node = undefined;
    this.failure = failure;
    const pauseMs = Math.min(timing.redialMsMax, timing.redialMsMin * 2 ** Math.min(this.#failures, 16));
    this.retryAt = now + pauseMs * (0.5 + random / 2);
    this.#failures += 1;
  }

  /** There is news about this node: try at once. */
  hurry(): void {
    this.retryAt = 0;
    this.#failures = 0;
  }
}
