import type { Model } from '../model.ts';
import type { Operation } from '../operation.ts';

export type CounterAction =
  | { readonly kind: 'get'; readonly value: number | null }
  /** `value`: the answer; undefined if there was none. */
  | { readonly kind: 'increment'; readonly by: number; readonly value: number | undefined };

/** A counter that is absent until its first increment, which starts from 0. */
export const counterModel: Model<number | null, CounterAction> = {
  name: 'counter',
  initial: null,
  action,
  step,
  stateKey: String,
  observes: (action) => action.kind === 'get',
  actionKey: (action) => JSON.stringify(action),
  describeState: (state) => (state === null ? 'absent' : String(state)),
  describeAction: (action) =>
    action.kind === 'get'
      ? `get → ${counterModel.describeState(action.value)}`
      : `increment ${action.by}${action.value === undefined ? '' : ` → ${action.value}`}`,
};

function action({ invoke, answer }: Operation): CounterAction | undefined {
  switch (invoke.op) {
    case 'get':
      return answer && { kind: 'get', value: answer.value == null ? null : Number(answer.value) };
    case 'increment':
      return { kind: 'increment', by: Number(invoke.value), value: answer && Number(answer.value) };
    default:
      throw new Error(`the counter model has no ${invoke.op}`);
  }
}

function step(state: number | null, action: CounterAction): number | null | undefined {
  if (action.kind === 'get') return state === action.value ? state : undefined;
  const next = (state ?? 0) + action.by;
  return action.value === undefined || action.value === next ? next : undefined;
}
