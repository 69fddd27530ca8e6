import type { Effect, Input } from '@holdfast/core';
import type { NodeId } from '@holdfast/types';
import type { MarkName } from '../coverage/mark-list.ts';

/** What a node does, or a rare path that it takes. */
export type TriggerEvent = StepEvent | MarkName;

/** The moment of a fault that waits for something to happen, instead of for a time. */
export interface Trigger {
  readonly event: TriggerEvent;
  /** From the event to the fault. */
  readonly delayMs: number;
}

/** Steps of every write, election and snapshot: after each of them a node may hold what no other knows of. */
export const STEP_EVENTS = [
  'asksForVotes',
  'votes',
  'takesOffice',
  'logs',
  'sendsEntries',
  'synced',
  'matches',
  'applies',
  'answers',
  'truncates',
  'installs',
  'ordersToStand',
] as const;

export type StepEvent = (typeof STEP_EVENTS)[number];

/** Who waits for events, and is told of the first one. */
export class Triggers {
  readonly #waiting = new Map<TriggerEvent, Set<(node: NodeId) => void>>();

  /** Until it happens, or what is answered is called. */
  once(event: TriggerEvent, work: (node: NodeId) => void): () => void {
    let waiting = this.#waiting.get(event);
    if (waiting === undefined) {
      waiting = new Set();
      this.#waiting.set(event, waiting);
    }
    waiting.add(work);
    return () => this.#waiting.get(event)?.delete(work);
  }

  happened(event: TriggerEvent, node: NodeId): void {
    const waiting = this.#waiting.get(event);
    if (waiting === undefined) return;
    this.#waiting.delete(event);
    for (const work of waiting) work(node);
  }

  onStep(node: NodeId, input: Input, effects: readonly Effect[]): void {
    if (this.#waiting.size === 0) return;
    if (input.kind === 'persisted') this.happened('synced', node);
    for (const effect of effects) {
      const event = eventOf(effect);
      if (event !== undefined) this.happened(event, node);
    }
  }
}

function eventOf(effect: Effect): StepEvent | undefined {
  switch (effect.kind) {
    case 'persist':
      return effect.order.record.kind === 'entries' ? 'logs' : undefined;
    case 'apply':
      return 'applies';
    case 'install':
      return 'installs';
    case 'reply':
      return effect.replies.some(({ kind }) => kind === 'receipt') ? 'answers' : undefined;
    case 'notice':
      if (effect.notice.kind === 'truncated') return 'truncates';
      return effect.notice.kind === 'role' && effect.notice.role === 'primary' ? 'takesOffice' : undefined;
    case 'send':
      return ofMessage(effect);
    default:
      return undefined;
  }
}

function ofMessage({ message }: Extract<Effect, { kind: 'send' }>): StepEvent | undefined {
  switch (message.kind) {
    case 'vote':
      return 'asksForVotes';
    case 'voteReply':
      return message.granted ? 'votes' : undefined;
    case 'append':
      return message.entries.length > 0 ? 'sendsEntries' : undefined;
    case 'appendMatch':
      return 'matches';
    case 'stand':
      return 'ordersToStand';
    default:
      return undefined;
  }
}
