import { Budget, type CheckLimits } from './budget.ts';
import { type Counterexample, explain } from './counterexample.ts';
import type { HistoryEvent } from './history-event.ts';
import type { Model } from './model.ts';
import { type Operation, pairOperations } from './operation.ts';
import { Search, type SearchItem } from './search.ts';

export interface LinearizabilityResult {
  /** `undecided`: a limit was reached before an answer was found. */
  readonly verdict: 'ok' | 'bad' | 'undecided';
  /** The key that is not linearizable, or was not decided. */
  readonly key?: string;
  /** With `bad`. */
  readonly counterexample?: Counterexample;
  /** Steps of the model that were taken. */
  readonly steps: number;
}

/** An operation of one key with what the model makes of it. */
export interface KeyOperation<Action> extends SearchItem<Action> {
  readonly operation: Operation;
}

/**
 * Could the answers have come from one copy of the data that did one operation at a time, each at
 * some moment between its invocation and its answer? Operations without an answer may have taken
 * effect at any time after their invocation, or never; failed ones did not; reads that asked for
 * less than linearizable are left out. Keys are independent, so each is checked by itself.
 * Throws if the history is malformed or holds operations that the model lacks.
 */
export function checkLinearizable<State, Action>(
  model: Model<State, Action>,
  history: readonly HistoryEvent[],
  limits: CheckLimits = {},
): LinearizabilityResult {
  const budget = new Budget(limits);
  let undecided: string | undefined;
  for (const [key, operations] of operationsByKey(model, history)) {
    const search = new Search({ model, items: operations, budget });
    const verdict = search.run(model.initial);
    if (verdict === 'bad') {
      const counterexample = explain({ model, key, operations, search });
      return { verdict, key, counterexample, steps: budget.steps };
    }
    if (verdict === 'undecided') {
      undecided = key;
      break;
    }
  }
  if (undecided !== undefined) return { verdict: 'undecided', key: undecided, steps: budget.steps };
  return { verdict: 'ok', steps: budget.steps };
}

/** Small keys first: one that is hard to decide must not keep a plain violation elsewhere from being found. */
function operationsByKey<State, Action>(
  model: Model<State, Action>,
  history: readonly HistoryEvent[],
): [key: string, operations: KeyOperation<Action>[]][] {
  const byKey = new Map<string, KeyOperation<Action>[]>();
  for (const operation of pairOperations(history)) {
    const action = model.action(operation);
    if (action === undefined) continue;
    const { invokedAt, answeredAt } = operation;
    const { key } = operation.invoke;
    const operations = byKey.get(key);
    if (operations === undefined) byKey.set(key, [{ operation, action, invokedAt, answeredAt }]);
    else operations.push({ operation, action, invokedAt, answeredAt });
  }
  return [...byKey].sort(([, a], [, b]) => a.length - b.length);
}
