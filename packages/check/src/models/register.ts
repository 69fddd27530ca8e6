import type { HistoryValue } from '../history-event.ts';
import type { Model } from '../model.ts';
import type { Operation } from '../operation.ts';

export type RegisterAction =
  | { readonly kind: 'get'; readonly value: HistoryValue }
  | { readonly kind: 'put'; readonly value: HistoryValue }
  | { readonly kind: 'cas'; readonly expected: HistoryValue; readonly next: HistoryValue }
  | { readonly kind: 'casRefused'; readonly expected: HistoryValue }
  /** Not answered: does what `cas` does if the value is the expected one. */
  | { readonly kind: 'casMaybe'; readonly expected: HistoryValue; readonly next: HistoryValue };

/** One value, absent at first, with get, put, compare-and-set and delete. */
export const registerModel: Model<HistoryValue, RegisterAction> = {
  name: 'register',
  initial: null,
  action,
  step,
  stateKey: (state) => (typeof state === 'string' ? `"${state}` : String(state)),
  observes: (action) => action.kind === 'get' || action.kind === 'casRefused',
  actionKey: (action) => JSON.stringify(action),
  describeState: (state) => (state === null ? 'absent' : JSON.stringify(state)),
  describeAction,
};

function action({ invoke, answer }: Operation): RegisterAction | undefined {
  switch (invoke.op) {
    case 'get':
      return answer && { kind: 'get', value: (answer.value ?? null) as HistoryValue };
    case 'put':
      return { kind: 'put', value: (invoke.value ?? null) as HistoryValue };
    case 'delete':
      return { kind: 'put', value: null };
    case 'cas': {
      const [expected, next] = pairOf(invoke.value);
      if (answer === undefined) return { kind: 'casMaybe', expected, next };
      return answer.swapped === false ? { kind: 'casRefused', expected } : { kind: 'cas', expected, next };
    }
    case 'increment':
      throw new Error('the register model has no increment: use the counter model');
  }
}

function step(state: HistoryValue, action: RegisterAction): HistoryValue | undefined {
  switch (action.kind) {
    case 'get':
      return state === action.value ? state : undefined;
    case 'put':
      return action.value;
    case 'cas':
      return state === action.expected ? action.next : undefined;
    case 'casRefused':
      return state === action.expected ? undefined : state;
    case 'casMaybe':
      return state === action.expected ? action.next : state;
  }
}

function describeAction(action: RegisterAction): string {
  switch (action.kind) {
    case 'get':
      return `get → ${registerModel.describeState(action.value)}`;
    case 'put':
      return action.value === null ? 'delete' : `put ${JSON.stringify(action.value)}`;
    case 'cas':
      return `cas ${JSON.stringify(action.expected)} → ${JSON.stringify(action.next)}`;
    case 'casRefused':
      return `cas refused: not ${JSON.stringify(action.expected)}`;
    case 'casMaybe':
      return `cas ${JSON.stringify(action.expected)} → ${JSON.stringify(action.next)}`;
  }
}

function pairOf(value: unknown): readonly [HistoryValue, HistoryValue] {
  if (!Array.isArray(value) || value.length !== 2) throw new Error('the value of a cas is [expected, next]');
  return value as [HistoryValue, HistoryValue];
}
