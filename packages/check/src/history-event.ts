import type { Ack, Consistency } from '@holdfast/types';

export type HistoryOperationKind = 'get' | 'put' | 'cas' | 'delete' | 'increment';

/** What a key may hold in a history. `null` is "no such key". */
export type HistoryValue = string | number | boolean | null;

/**
 * One line of a history. A process does one thing at a time: `invoke`, then at most one of
 * `ok` (happened, with this result), `fail` (did not happen), `info` (may happen at any time from
 * the invocation on, or never; no answer at all means the same).
 *
 * `value` by operation: `put` the value; `get` the result, on `ok`; `cas` `[expected, next]`;
 * `increment` the step on `invoke` and the new value on `ok`.
 */
export interface HistoryEvent {
  readonly process: string | number;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  readonly op: HistoryOperationKind;
  readonly key: string;
  readonly value?: HistoryValue | readonly HistoryValue[];
  /** Of a `cas` or conditional write that was answered: false if its condition did not hold. */
  readonly swapped?: boolean;
  /** Revision of the key after the operation, or that was read; 0: absent. */
  readonly revision?: number;
  /** On `invoke` of a write: do it only at this revision of the key; 0: only if absent. */
  readonly ifRevision?: number;
  /** On `invoke` of a read; only linearizable reads (the default) constrain the order. */
  readonly consistency?: Consistency;
  /** On `invoke` of a write: the level asked for. */
  readonly ack?: Ack;
  /** Monotonic milliseconds, for people: the order of the lines is what counts. */
  readonly time?: number;
  /** Why it failed or is unknown. */
  readonly error?: string;
}
