import type { Revision } from '@holdfast/types';

/**
 * running: steps are run. compensating: one failed for good, or an abort was ordered; steps are taken back. completed
 * and compensated: the end. stuck: a compensation failed for good; somebody has to look, and orders `resume`.
 */
export type SagaState = 'running' | 'compensating' | 'completed' | 'compensated' | 'stuck';

/** Why a saga does not run forward, or is stuck. */
export interface SagaFailure {
  /** The step, if it was one. */
  readonly step?: string | undefined;
  readonly message: string;
  /** Of the error, if it had one. */
  readonly code?: string | undefined;
}

export interface StepRecord {
  readonly name: string;
  /** begun: it may have had effects. done: it has a result. undone: its compensation ended well. */
  readonly state: 'begun' | 'done' | 'undone';
  /** How many processes have begun it, or its compensation: each after the first found it unfinished. */
  readonly tenures: number;
  readonly result?: unknown;
}

/** A saga as it is kept. Times are wall clock, in milliseconds since 1970, for people only. */
export interface SagaRecord {
  readonly type: string;
  readonly id: string;
  /**
   * Unlike that of any saga which had this id before and is forgotten: its steps are named by it, since marks of the other's
   * may still be there. Undefined: it was begun before there were such names.
   */
  readonly incarnation?: string | undefined;
  readonly state: SagaState;
  readonly input: unknown;
  /** Those begun, in their order. */
  readonly steps: readonly StepRecord[];
  /** Why it is taken back. */
  readonly failure?: SagaFailure | undefined;
  /** Why it is stuck. */
  readonly obstacle?: SagaFailure | undefined;
  /** An operator has ordered that it is taken back. */
  readonly abort?: string | undefined;
  /** Of the newest process that worked on it; 0: none has. */
  readonly token: Revision;
  /** How often such a process has changed it. */
  readonly moves: number;
  readonly startedAt: number;
  readonly changedAt: number;
}

export type SagaMove =
  | { readonly kind: 'run'; readonly place: number }
  | { readonly kind: 'undo'; readonly place: number }
  /** An abort was ordered. */
  | { readonly kind: 'turn' }
  /** It has ended, or waits for somebody. */
  | { readonly kind: 'rest' };

/** Beyond it a step is what ends its processes: it fails for good. */
export const TENURES_MAX = 10;

/** What is changed in one go; the store adds who and when. */
export type SagaChange = Partial<Pick<SagaRecord, 'state' | 'steps' | 'failure' | 'obstacle' | 'abort'>>;

/** Names it among all of a database: a type has no slash in it. */
export function sagaKey({ type, id }: Pick<SagaRecord, 'type' | 'id'>): string {
  return `${type}/${id}`;
}

export function isOver(state: SagaState): boolean {
  return state === 'completed' || state === 'compensated' || state === 'stuck';
}

/** It has ended for good: what is kept of it is for those who look, and who start it again. */
export function isFinished(state: SagaState): boolean {
  return state === 'completed' || state === 'compensated';
}

/** Names one of its steps, in this and no other saga. */
export function stepKey(record: SagaRecord, step: string): string {
  const { incarnation } = record;
  return incarnation === undefined
    ? `${sagaKey(record)}/${step}`
    : `${sagaKey(record)}#${incarnation}/${step}`;
}

export function nextMove(record: SagaRecord): SagaMove {
  if (isOver(record.state)) return { kind: 'rest' };
  if (record.state === 'running') {
    return record.abort === undefined ? { kind: 'run', place: record.steps.length - 1 } : { kind: 'turn' };
  }
  return { kind: 'undo', place: undoPlace(record) };
}

export function firstSteps(names: readonly string[]): StepRecord[] {
  return [{ name: names[0]!, state: 'begun', tenures: 0 }];
}

/** The step under way has this result: the next is begun, or the saga is at its end, or it turns as ordered meanwhile. */
export function stepDone(record: SagaRecord, names: readonly string[], result: unknown): SagaChange {
  const place = record.steps.length - 1;
  const steps = withStep(record, place, { state: 'done', result });
  if (record.abort !== undefined) return turned({ ...record, steps });
  const next = names[place + 1];
  if (next === undefined) return { state: 'completed', steps };
  return { steps: [...steps, { name: next, state: 'begun', tenures: 1 }] };
}

export function stepFailed(record: SagaRecord, failure: SagaFailure): SagaChange {
  return compensating(record, { step: record.steps.at(-1)!.name, ...failure });
}

export function stepUndone(record: SagaRecord): SagaChange {
  const place = undoPlace(record);
  const steps = withStep(record, place, { state: 'undone' });
  if (place === 0) return { state: 'compensated', steps };
  const before = steps[place - 1]!;
  steps[place - 1] = { ...before, tenures: 1 };
  return { steps };
}

export function undoFailed(record: SagaRecord, failure: SagaFailure): SagaChange {
  const place = undoPlace(record);
  return { state: 'stuck', obstacle: { step: record.steps[place]!.name, ...failure } };
}

export function turned(record: SagaRecord): SagaChange {
  return compensating(record, { message: record.abort ?? '' });
}

/** Undefined: it is on its way back or over, and there is nothing to abort. */
export function abortOrdered(record: SagaRecord, reason: string): SagaChange | undefined {
  return record.state === 'running' && record.abort === undefined ? { abort: reason } : undefined;
}

/** Undefined: it is not stuck. */
export function resumeOrdered(record: SagaRecord): SagaChange | undefined {
  if (record.state !== 'stuck') return undefined;
  const place = undoPlace(record);
  return { state: 'compensating', obstacle: undefined, steps: withStep(record, place, { tenures: 0 }) };
}

/** A process takes over what another left unfinished, or begins what nobody has worked on. */
export function taken(record: SagaRecord): SagaChange {
  const move = nextMove(record);
  if (move.kind === 'rest') return {};
  if (move.kind === 'turn') return turned(record);
  const { name, tenures } = record.steps[move.place]!;
  if (tenures < TENURES_MAX) return { steps: withStep(record, move.place, { tenures: tenures + 1 }) };
  const failure = {
    step: name,
    message: `${tenures} processes ended, or were taken for ended, while they were at it`,
  };
  return move.kind === 'run' ? stepFailed(record, failure) : undoFailed(record, failure);
}

/** The newest step that is not taken back. */
function undoPlace(record: SagaRecord): number {
  return record.steps.findLastIndex((step) => step.state !== 'undone');
}

function compensating(record: SagaRecord, failure: SagaFailure): SagaChange {
  const place = record.steps.length - 1;
  return { state: 'compensating', failure, steps: withStep(record, place, { tenures: 1 }) };
}

function withStep(record: SagaRecord, place: number, change: Partial<StepRecord>): StepRecord[] {
  return record.steps.map((step, at) => (at === place ? { ...step, ...change } : step));
}
