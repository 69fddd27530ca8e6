import {
  type ClientMessage,
  type Revision,
  type ServerMessage,
  type Term,
  type WatchEvent,
  watchEventBytes,
} from '@holdfast/types';
import { type FakeState, isWithin } from './fake-state.ts';

type Request = Extract<ClientMessage, { kind: 'watchOpen' | 'watchCredit' | 'watchClose' }>;

interface FakeWatch {
  readonly request: Extract<Request, { kind: 'watchOpen' }>;
  position: Revision;
  credit: number;
}

/** The watches of one connection to a fake node. */
export class FakeWatches {
  readonly #watches = new Map<number, FakeWatch>();

  get size(): number {
    return this.#watches.size;
  }

  /** Bytes that all of them may still be sent. */
  get credit(): number {
    return [...this.#watches.values()].reduce((sum, { credit }) => sum + credit, 0);
  }

  onRequest(message: Request, state: FakeState): ServerMessage[] {
    switch (message.kind) {
      case 'watchOpen': {
        const position = message.from ?? state.revision;
        this.#watches.set(message.id, { request: message, position, credit: message.credit });
        return [{ kind: 'watchOpened', id: message.id, revision: position }];
      }
      case 'watchCredit': {
        const watch = this.#watches.get(message.watch);
        if (watch !== undefined) watch.credit += message.bytes;
        return [];
      }
      case 'watchClose':
        this.#watches.delete(message.watch);
        return [];
    }
  }

  /** Ends all of them, as a node does. */
  refuse(error: Extract<ServerMessage, { kind: 'failed' }>['error']): ServerMessage[] {
    const ended = [...this.#watches.keys()].map((id) => ({ kind: 'failed', id, error }) as const);
    this.#watches.clear();
    return ended;
  }

  /** What there is to tell, and how far each has come. */
  tell({ history, revision }: FakeState): ServerMessage[] {
    const messages: ServerMessage[] = [];
    for (const [id, watch] of this.#watches) {
      const events: WatchEvent[] = [];
      let position = revision;
      for (const event of history) {
        if (event.revision <= watch.position || !isWithin(event.key, watch.request.range)) continue;
        if (watch.credit <= 0) {
          position = events.at(-1)?.revision ?? watch.position;
          break;
        }
        const told = watch.request.previousValues ? { previous: null, ...event } : withoutPrevious(event);
        watch.credit -= watchEventBytes(told);
        events.push(told);
      }
      if (position <= watch.position) continue;
      watch.position = position;
      messages.push({ kind: 'watchEvents', id, term: 1 as Term, events, revision: position });
    }
    return messages;
  }
}

function withoutPrevious({ previous: _, ...event }: WatchEvent): WatchEvent {
  return event;
}
