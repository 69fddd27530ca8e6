import type { Ack, Clock, Consistency } from '@holdfast/types';
import type { HistoryEvent, HistoryOperationKind, HistoryValue } from './history-event.ts';

export interface RecordedInvocation {
  /** Who asks; may have any number of operations open at a time. */
  readonly client: string;
  readonly op: HistoryOperationKind;
  readonly key: string;
  readonly value?: HistoryValue | readonly HistoryValue[];
  readonly ifRevision?: number;
  readonly consistency?: Consistency;
  readonly ack?: Ack;
}

export interface RecordedAnswer {
  /** Of a get the value read, of an increment the new value. */
  readonly value?: HistoryValue;
  readonly revision?: number;
  /** False: answered that its condition did not hold. */
  readonly swapped?: boolean;
}

/** An operation under way; exactly one of its methods is called, once, or none if no answer ever came. */
export interface RecordedOperation {
  ok(answer?: RecordedAnswer): void;
  /** It certainly did not happen. */
  fail(error: string): void;
  /** Nobody knows whether it happened, or will. */
  info(error: string): void;
}

/**
 * Writes down what clients asked and were told, in the order they saw it. Each client's operations
 * are spread over processes `<client>.<n>` of one operation at a time, as histories want it; a
 * process whose operation became unknown is never used again, because that operation may still
 * take effect.
 */
export class HistoryRecorder {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #onEvent: ((event: HistoryEvent) => void) | undefined;
  readonly #events: HistoryEvent[] = [];
  readonly #idle = new Map<string, string[]>();
  readonly #processes = new Map<string, number>();

  /** `onEvent` is told of each event as it happens, to write it to a file. */
  constructor(options: { clock: Pick<Clock, 'now'>; onEvent?: (event: HistoryEvent) => void }) {
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
  }

  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** Call it before the request can have left, and the answer's method after it has arrived. */
  invoke({ client, ...asked }: RecordedInvocation): RecordedOperation {
    const process = this.#idle.get(client)?.pop() ?? this.#newProcess(client);
    const { op, key } = asked;
    let isOpen = true;
    const answer = (event: Pick<HistoryEvent, 'type'> & Partial<HistoryEvent>): void => {
      if (!isOpen) throw new Error(`${op} ${key} of ${process} was answered already`);
      isOpen = false;
      if (event.type !== 'info') this.#idle.get(client)?.push(process);
      this.#record({ process, op, key, ...event });
    };
    this.#record({ process, type: 'invoke', ...asked });
    return {
      ok: (result = {}) => answer({ type: 'ok', ...result }),
      fail: (error) => answer({ type: 'fail', error }),
      info: (error) => answer({ type: 'info', error }),
    };
  }

  #newProcess(client: string): string {
    const number = this.#processes.get(client) ?? 0;
    this.#processes.set(client, number + 1);
    if (number === 0) this.#idle.set(client, []);
    return `${client}.${number}`;
  }

  #record(event: Omit<HistoryEvent, 'time'>): void {
    const stamped: HistoryEvent = { ...event, time: this.#clock.now() };
    this.#events.push(stamped);
    this.#onEvent?.(stamped);
  }
}
