export type { Once } from './once.ts';
export type { SagaCallOptions } from './saga-call.ts';
export {
  type CompensationContext,
  type DefinedStep,
  type SagaDefinition,
  type SagaStep,
  type StepContext,
  saga,
} from './saga-definition.ts';
export type { SagaFailure, SagaRecord, SagaState, StepRecord } from './saga-record.ts';
export { SagaRegister } from './saga-register.ts';
export type { SagaDatabase, SagaFilter } from './saga-store.ts';
export type { SagaWorker, SagaWorkerOptions } from './saga-worker.ts';
export { Sagas, type SagasOptions } from './sagas.ts';
export type { OnceOf } from './step-marks.ts';
