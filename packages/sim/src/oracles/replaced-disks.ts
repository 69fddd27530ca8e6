import type { Effect, Input, RecoveredState } from '@holdfast/core';
import type { NodeId, PeerMessage, Ticket } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

const NAME = 'replaced disks';

/**
 * A node whose disk is not the one that the membership names, and one that knows that it is out, promises nothing: it
 * does not vote, does not acknowledge, does not lead (G15). It remembers that once it is durable: until then a crash is as
 * if it had never been told.
 */
export class ReplacedDisks {
  readonly #wiped = new Set<NodeId>();
  /** They know that they are out. */
  readonly #out = new Set<NodeId>();
  /** And are writing it down. */
  readonly #ordered = new Map<NodeId, Ticket>();
  /** And have it on their disks. */
  readonly #remembered = new Set<NodeId>();

  /** Its disk has been replaced by an empty one. */
  wiped(node: NodeId): void {
    this.#wiped.add(node);
  }

  onRecovered({ node }: Boot, { log }: RecoveredState): void {
    this.#ordered.delete(node);
    if (log.exclusion !== undefined) {
      this.#out.add(node);
      this.#remembered.add(node);
    } else if (!this.#wiped.has(node)) {
      if (this.#remembered.has(node))
        throw new SafetyViolation(NAME, `${node} was out of the cluster and has forgotten it`);
      this.#out.delete(node);
    }
  }

  onStep({ node }: Boot, input: Input, effects: readonly Effect[]): void {
    const ordered = this.#ordered.get(node);
    if (input.kind === 'persisted' && ordered !== undefined && input.ticket >= ordered)
      this.#remembered.add(node);
    for (const effect of effects) this.#onEffect(node, effect);
  }

  #onEffect(node: NodeId, effect: Effect): void {
    if (effect.kind === 'persist' && effect.order.record.kind === 'exclusion')
      this.#ordered.set(node, effect.order.ticket);
    if (effect.kind === 'notice' && effect.notice.kind === 'excluded' && effect.notice.peer === node)
      this.#out.add(node);
    if (effect.kind !== 'send' || (!this.#wiped.has(node) && !this.#out.has(node))) return;
    if (isPromise(effect.message))
      throw new SafetyViolation(NAME, `${node} is out of the cluster and sends ${effect.message.kind}`);
  }

  /** In the end, of every node. */
  checkVerdict(node: NodeId, exclusion: string | undefined, mayBeOut: boolean): void {
    if (this.#wiped.has(node) && exclusion === undefined)
      throw new SafetyViolation(NAME, `${node} was wiped, and is a member all the same`);
    if (exclusion !== undefined && !mayBeOut)
      throw new SafetyViolation(NAME, `${node} is out (${exclusion}), and its disk never lost anything`);
  }
}

function isPromise(message: PeerMessage): boolean {
  switch (message.kind) {
    case 'voteReply':
    case 'preVoteReply':
      return message.granted;
    case 'vote':
    case 'append':
    case 'appendMatch':
    case 'heartbeat':
    case 'heartbeatReply':
      return true;
    default:
      return false;
  }
}
