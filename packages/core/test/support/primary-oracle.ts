import { assert, type NodeId, type PeerMessage, type Term } from '@holdfast/types';
import type { RandomHost } from './random-host.ts';

/** What every node of a cluster keeps to, seen from outside: one primary in a term, no promise ahead of the disk. */
export class PrimaryOracle {
  readonly #electionTimeoutMs: number;
  readonly #primaries = new Map<Term, { readonly id: NodeId; readonly since: number }>();

  constructor(electionTimeoutMs: number) {
    this.#electionTimeoutMs = electionTimeoutMs;
  }

  /** Election safety: one primary in a term. */
  stepped(host: RandomHost, now: number): void {
    if (host.core?.context.role !== 'primary') return;
    const { term } = host.core.context;
    const before = this.#primaries.get(term);
    assert(
      before === undefined || before.id === host.id,
      `two primaries in term ${term}: ${before?.id} and ${host.id}`,
    );
    this.#primaries.set(term, before ?? { id: host.id, since: now });
  }

  /** P5: nothing is promised that a crash at this moment could take back. */
  sends(host: RandomHost, to: NodeId, message: PeerMessage): void {
    const { term, votedFor } = host.log.durableHardState();
    switch (message.kind) {
      case 'vote':
        assert(term === message.term && votedFor === host.id, `${host.id} stands before that is durable`);
        return;
      case 'voteReply':
        assert(
          !message.granted || (term === message.term && votedFor === to),
          `${host.id} votes before that is durable`,
        );
        return;
      case 'append':
      case 'heartbeat':
      case 'heartbeatReply':
        assert(term >= message.term, `${host.id} speaks in term ${message.term} before it is durable`);
        return;
      case 'appendMatch':
        assert(term >= message.term, `${host.id} speaks in term ${message.term} before it is durable`);
        assert(
          host.log.isDurable({ index: message.match, term: message.term }),
          `${host.id} answers for ${message.match}, which is not durable`,
        );
        return;
      default:
    }
  }

  /** G14: a primary has learnt within an election timeout that there is another. */
  acknowledges(host: RandomHost, now: number): void {
    const { term } = host.core!.context;
    for (const [newer, { id, since }] of this.#primaries) {
      assert(
        newer <= term || now - since <= this.#electionTimeoutMs,
        `${host.id} acknowledges in term ${term} at ${now}: ${id} is primary of term ${newer} since ${since}`,
      );
    }
  }
}
