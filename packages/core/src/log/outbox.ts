import type { NodeId, PeerMessage, Ticket } from '@holdfast/types';
import type { Effect } from '../api.ts';

interface Held {
  readonly ticket: Ticket;
  readonly to: NodeId;
  readonly message: PeerMessage;
}

/**
 * Messages that promise something wait here until the ticket that the promise rests on is durable (P5).
 * They die with their term (P9).
 */
export class Outbox {
  #held: Held[] = [];

  /** Tickets held for do not shrink, so the queue is in ticket order but for promises on older tickets. */
  hold(held: Held): void {
    this.#held.push(held);
  }

  /** Hands out what rests on `completed` or less; of several matches to one peer only the last. */
  release(completed: Ticket, effects: Effect[]): void {
    if (this.#held.length === 0) return;
    const waiting: Held[] = [];
    const ready: Held[] = [];
    for (const held of this.#held) (held.ticket <= completed ? ready : waiting).push(held);
    if (ready.length === 0) return;
    this.#held = waiting;
    for (let at = 0; at < ready.length; at++) {
      const { to, message } = ready[at]!;
      if (message.kind === 'appendMatch' && isRepeatedLater(ready, at)) continue;
      effects.push({ kind: 'send', to, message });
    }
  }

  /** The term is over. A genesis belongs to none, and nobody would ask for it again. */
  clear(): void {
    this.#held = this.#held.filter(({ message }) => message.kind === 'genesis');
  }

  get size(): number {
    return this.#held.length;
  }
}

function isRepeatedLater(ready: readonly Held[], at: number): boolean {
  const current = ready[at]!;
  for (let next = at + 1; next < ready.length; next++) {
    const later = ready[next]!;
    if (
      later.to !== current.to ||
      later.message.kind !== 'appendMatch' ||
      current.message.kind !== 'appendMatch'
    )
      continue;
    return later.message.match >= current.message.match;
  }
  return false;
}
