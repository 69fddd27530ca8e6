import type { HistoryEvent } from './history-event.ts';

/** An invocation with its answer. */
export interface Operation {
  readonly invoke: HistoryEvent;
  /** Undefined: no answer that says whether it happened. */
  readonly answer: HistoryEvent | undefined;
  /** Position of the invocation in the history. */
  readonly invokedAt: number;
  /** Position of the answer; Infinity if there is none: it may take effect at any time after. */
  readonly answeredAt: number;
}

/**
 * Pairs invocations with answers, in order of invocation, and leaves out what cannot constrain an
 * order: operations that failed, and reads that did not ask to be linearizable.
 * Throws if a process invokes while it waits, or is answered something it did not invoke.
 */
export function pairOperations(history: readonly HistoryEvent[]): Operation[] {
  const waiting = new Map<string | number, number>();
  const operations: (Operation | undefined)[] = new Array(history.length).fill(undefined);
  for (const [position, event] of history.entries()) {
    const invokedAt = waiting.get(event.process);
    if (event.type === 'invoke') {
      if (invokedAt !== undefined) throw malformed(position, event, 'invokes while it waits for an answer');
      waiting.set(event.process, position);
      if (constrains(event)) {
        operations[position] = {
          invoke: event,
          answer: undefined,
          invokedAt: position,
          answeredAt: Infinity,
        };
      }
      continue;
    }
    if (invokedAt === undefined) throw malformed(position, event, 'is answered without having invoked');
    waiting.delete(event.process);
    const invoke = history[invokedAt] as HistoryEvent;
    if (invoke.op !== event.op || invoke.key !== event.key) {
      throw malformed(position, event, `invoked ${invoke.op} ${invoke.key}`);
    }
    if (event.type === 'fail') operations[invokedAt] = undefined;
    if (event.type === 'ok' && constrains(invoke)) {
      operations[invokedAt] = { invoke, answer: event, invokedAt, answeredAt: position };
    }
  }
  return operations.filter((operation) => operation !== undefined);
}

function constrains(invoke: HistoryEvent): boolean {
  return invoke.op !== 'get' || invoke.consistency === undefined || invoke.consistency === 'linearizable';
}

function malformed(position: number, event: HistoryEvent, what: string): Error {
  return new Error(
    `history event ${position + 1}: process ${event.process} (${event.op} ${event.key}) ${what}`,
  );
}
