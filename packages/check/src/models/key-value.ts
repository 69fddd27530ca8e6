import type { HistoryValue } from '../history-event.ts';
import type { Model } from '../model.ts';
import type { Operation } from '../operation.ts';

/**
 * What a key holds. `revision` is that of the newest write of the key, deletes included; undefined
 * after a write whose answer was lost, when all that is known is that it is above `floor`.
 */
export interface KeyValueState {
  readonly value: HistoryValue;
  readonly revision: number | undefined;
  readonly floor: number;
}

export type KeyValueAction =
  /** `revision` undefined: the answer did not say. */
  | { readonly kind: 'get'; readonly value: HistoryValue; readonly revision: number | undefined }
  | {
      readonly kind: 'write';
      /** null: a delete. */
      readonly value: HistoryValue;
      /** Given to it; undefined: unknown. */
      readonly revision: number | undefined;
      /** Condition: the revision that the key had; 0: absent. */
      readonly ifRevision: number | undefined;
      /** False: not answered, so a condition that fails makes it do nothing. */
      readonly answered: boolean;
    }
  /** A write whose condition did not hold, and the revision the key then had (0: absent). */
  | { readonly kind: 'conflict'; readonly revision: number };

/** Values with revisions: each write of a key takes a higher one than the last, and reads tell it. */
export const keyValueModel: Model<KeyValueState, KeyValueAction> = {
  name: 'key-value',
  initial: { value: null, revision: 0, floor: 0 },
  action,
  step,
  stateKey: (state) => `${typeof state.value}:${state.revision}:${state.floor}:${state.value}`,
  observes: (action) => action.kind !== 'write',
  actionKey: (action) => JSON.stringify(action),
  describeState,
  describeAction,
};

function action({ invoke, answer }: Operation): KeyValueAction | undefined {
  if (invoke.op === 'get') {
    return (
      answer && { kind: 'get', value: (answer.value ?? null) as HistoryValue, revision: answer.revision }
    );
  }
  if (invoke.op !== 'put' && invoke.op !== 'delete')
    throw new Error(`the key-value model has no ${invoke.op}`);
  const { ifRevision } = invoke;
  if (answer?.swapped === false) {
    if (ifRevision === undefined) throw new Error('only a conditional write can be refused');
    return answer.revision === undefined ? undefined : { kind: 'conflict', revision: answer.revision };
  }
  return {
    kind: 'write',
    value: invoke.op === 'delete' ? null : ((invoke.value ?? null) as HistoryValue),
    revision: answer?.revision,
    ifRevision,
    answered: answer !== undefined,
  };
}

function step(state: KeyValueState, action: KeyValueAction): KeyValueState | undefined {
  switch (action.kind) {
    case 'get':
      if (state.value !== action.value) return undefined;
      return state.value === null || action.revision === undefined
        ? state
        : withRevision(state, action.revision);
    case 'conflict':
      return withRevision(state, action.revision);
    case 'write': {
      const before = action.ifRevision === undefined ? state : withRevision(state, action.ifRevision);
      if (before === undefined) return action.answered ? undefined : state;
      const floor = before.revision ?? before.floor;
      if (action.revision === undefined) return { value: action.value, revision: undefined, floor };
      return action.revision > floor
        ? { value: action.value, revision: action.revision, floor: 0 }
        : undefined;
    }
  }
}

/** The state, given that its key is said to have this revision (0: to be absent); undefined if it cannot. */
function withRevision(state: KeyValueState, revision: number): KeyValueState | undefined {
  if (revision === 0 || state.value === null)
    return revision === 0 && state.value === null ? state : undefined;
  if (state.revision !== undefined) return state.revision === revision ? state : undefined;
  return revision > state.floor ? { value: state.value, revision, floor: 0 } : undefined;
}

function describeState(state: KeyValueState): string {
  if (state.revision === 0) return 'absent';
  const revision = state.revision === undefined ? `above ${state.floor}` : String(state.revision);
  return `${state.value === null ? 'deleted' : JSON.stringify(state.value)} at revision ${revision}`;
}

function describeAction(action: KeyValueAction): string {
  switch (action.kind) {
    case 'get':
      if (action.value === null) return 'get → absent';
      return `get → ${JSON.stringify(action.value)}${at(action.revision)}`;
    case 'conflict':
      return `refused: the revision is ${action.revision}`;
    case 'write': {
      const what = action.value === null ? 'delete' : `put ${JSON.stringify(action.value)}`;
      return `${what}${action.ifRevision === undefined ? '' : ` if at ${action.ifRevision}`}${at(action.revision)}`;
    }
  }
}

function at(revision: number | undefined): string {
  return revision === undefined ? '' : ` at revision ${revision}`;
}
