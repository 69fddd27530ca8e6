export {
  Accounting,
  type AccountingResult,
  type FoundValue,
  type ListedMutation,
  type OpenStep,
  type OpenWrite,
} from './accounting.ts';
export type { CheckLimits } from './budget.ts';
export { checkLinearizable, type LinearizabilityResult } from './check-linearizable.ts';
export type { Counterexample } from './counterexample.ts';
export type { HistoryEvent, HistoryOperationKind, HistoryValue } from './history-event.ts';
export {
  HistoryRecorder,
  type RecordedAnswer,
  type RecordedInvocation,
  type RecordedOperation,
} from './history-recorder.ts';
export { formatHistory, parseHistory } from './history-text.ts';
export type { Model } from './model.ts';
export { type CounterAction, counterModel } from './models/counter.ts';
export { type KeyValueAction, type KeyValueState, keyValueModel } from './models/key-value.ts';
export { type RegisterAction, registerModel } from './models/register.ts';
export { type Operation, pairOperations } from './operation.ts';
