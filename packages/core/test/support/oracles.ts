import { assert, type LogIndex, type NodeId, type PeerMessage, type Position } from '@holdfast/types';
import type { Effect, Role } from '../../src/api.ts';
import type { ClusterNode } from './cluster-node.ts';
import { entryText } from './format.ts';

type Receipt = Extract<Extract<Effect, { kind: 'reply' }>['replies'][number], { kind: 'receipt' }>['receipt'];

/** Holds every effect against the disks of the whole cluster at the moment it is handed out. */
export class Oracles {
  readonly #nodes: readonly ClusterNode[];
  readonly #primaries: Map<number, string> = new Map();
  readonly #committed: Map<LogIndex, string> = new Map();

  constructor(nodes: readonly ClusterNode[]) {
    this.#nodes = nodes;
  }

  /** Election safety: at most one primary in a term, and it is one process. */
  role(node: ClusterNode, status: { readonly role: Role; readonly term: number }): void {
    if (status.role !== 'primary') return;
    const known = this.#primaries.get(status.term);
    assert(
      known === undefined || known === node.bootId,
      `term ${status.term} has two primaries: ${known}, ${node.bootId}`,
    );
    this.#primaries.set(status.term, node.bootId);
  }

  effect(node: ClusterNode, effect: Effect): void {
    if (effect.kind === 'send') this.#send(node, effect.to, effect.message);
    if (effect.kind === 'apply') this.#apply(node, effect);
    if (effect.kind !== 'reply') return;
    for (const reply of effect.replies) if (reply.kind === 'receipt') this.#receipt(node, reply.receipt);
  }

  /** Nothing is promised that a crash at this moment could take back. */
  #send(node: ClusterNode, to: NodeId, message: PeerMessage): void {
    const durable = node.log.durableHardState();
    switch (message.kind) {
      case 'vote':
        assert(
          durable.term === message.term && durable.votedFor === node.id,
          `${node.id} asks for votes before its own is durable`,
        );
        return;
      case 'voteReply':
        if (!message.granted) return;
        assert(
          durable.term === message.term && durable.votedFor === to,
          `${node.id} grants a vote that is not durable`,
        );
        return;
      case 'append':
      case 'heartbeat':
      case 'heartbeatReply':
        assert(
          durable.term >= message.term,
          `${node.id} speaks in term ${message.term} before it is durable`,
        );
        return;
      case 'appendMatch':
        assert(
          durable.term >= message.term,
          `${node.id} speaks in term ${message.term} before it is durable`,
        );
        this.#match(node, message.term, message.match);
        return;
      default:
    }
  }

  /** Everything up to a match is durable and equal to the log of that term's primary; below its checkpoint the store is that. */
  #match(node: ClusterNode, term: number, match: LogIndex): void {
    const primary = this.#nodes.find((other) => other.bootId === this.#primaries.get(term));
    const sound = Math.max(checkpointOf(node), primary === undefined ? 0 : checkpointOf(primary));
    const known = new Map(primary?.log.entries('written').map((entry) => [entry.index, entryText(entry)]));
    const held = node.log.entries('durable');
    const last = held.at(-1)?.index ?? 0;
    assert(
      match <= Math.max(last, node.log.recover().base.index),
      `${node.id} answers for ${match} and holds up to ${last}`,
    );
    for (const entry of held) {
      const other = known.get(entry.index);
      if (entry.index > match || entry.index <= sound || other === undefined) continue;
      assert(
        other === entryText(entry),
        `${node.id} answers for ${entryText(entry)}, the primary has ${other}`,
      );
    }
  }

  /** State machine safety: at an index every node applies the same entry, one that a majority holds. */
  #apply(node: ClusterNode, batch: Extract<Effect, { kind: 'apply' }>): void {
    for (const entry of batch.entries) {
      const text = entryText(entry);
      const known = this.#committed.get(entry.index);
      assert(known === undefined || known === text, `${node.id} applies ${text} where ${known} was applied`);
      this.#committed.set(entry.index, text);
      assert(node.log.holds(entry), `${node.id} applies ${text}, which is not durable here`);
      assert(
        this.#copies(entry) * 2 > this.#nodes.length,
        `${node.id} applies ${text}, which no majority holds`,
      );
    }
  }

  #receipt(node: ClusterNode, receipt: Receipt): void {
    const copies = this.#copies(receipt);
    const place = `${receipt.index}@${receipt.term}`;
    assert(
      receipt.copies <= copies,
      `${node.id} counts ${receipt.copies} copies of ${place}; there are ${copies}`,
    );
    if (receipt.ack === 'local')
      assert(node.log.holds(receipt), `${node.id} acknowledges ${place}, which is not durable`);
    if (receipt.ack === 'quorum')
      assert(copies * 2 > this.#nodes.length, `${place} is acknowledged at quorum, held by ${copies}`);
    if (receipt.ack === 'all')
      assert(copies === this.#nodes.length, `${place} is acknowledged at all, held by ${copies}`);
  }

  #copies(position: Position): number {
    return this.#nodes.filter((node) => node.log.holds(position)).length;
  }
}

/** Below it a log may be damaged for good: nobody reads it there. */
function checkpointOf(node: ClusterNode): LogIndex {
  return node.store.state().checkpoint.index;
}
