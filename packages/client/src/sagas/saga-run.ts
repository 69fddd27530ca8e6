import { assertNever, HoldfastError } from '@holdfast/types';
import type { Seams } from '../seams.ts';
import { type Attempt, attempted, pause } from './attempts.ts';
import { onceFor } from './once.ts';
import type { DefinedStep, SagaDefinition, StepContext } from './saga-definition.ts';
import {
  isFinished,
  nextMove,
  type SagaChange,
  type SagaFailure,
  type SagaMove,
  type SagaRecord,
  sagaKey,
  stepDone,
  stepFailed,
  stepKey,
  stepUndone,
  taken,
  turned,
  undoFailed,
} from './saga-record.ts';
import { type HeldRecord, noSuchSaga, type SagaStore } from './saga-store.ts';
import { StepMarks } from './step-marks.ts';
import type { Tenure } from './tenures.ts';

export interface SagaRunParts {
  readonly store: SagaStore;
  readonly seams: Seams;
  readonly definition: SagaDefinition<unknown, unknown>;
  readonly tenure: Tenure;
}

type Change = (record: SagaRecord) => SagaChange;

const PAUSE_MS = 50;
const PAUSE_MS_MAX = 2000;
/** Longer than any process stands still that may have a step on its way. */
const MARKS_TTL_MS_MIN = 7 * 86_400_000;

/**
 * Works on one saga under one tenure. What it does is kept before the next is begun, and only if nobody else has changed
 * the saga: a process that was frozen through the end of its tenure finds so at its next step, and stops.
 */
export class SagaRun {
  readonly #parts: SagaRunParts;
  readonly #names: readonly string[];
  readonly #marks = new StepMarks();

  constructor(parts: SagaRunParts) {
    this.#parts = parts;
    this.#names = parts.definition.steps.map((step) => step.name);
  }

  /** Until it is over, or rejects: the tenure is lost (HOLDFAST_ABORTED), or the definition does not fit. */
  async finish(id: string): Promise<SagaRecord> {
    let held = await this.#held(id);
    this.#checkFit(held.record);
    if (nextMove(held.record).kind === 'rest') return held.record;
    held = await this.#changed(held, taken);
    for (;;) {
      const move = nextMove(held.record);
      if (move.kind === 'rest') break;
      held = await this.#advanced(held, move);
    }
    if (isFinished(held.record.state)) await this.#forgetMarks();
    return held.record;
  }

  async #forgetMarks(): Promise<void> {
    const { store, tenure } = this.#parts;
    if (store.retentionMs === undefined) return;
    await this.#marks.expireIn(Math.max(store.retentionMs, MARKS_TTL_MS_MIN), tenure.signal);
  }

  async #advanced(held: HeldRecord, move: Exclude<SagaMove, { kind: 'rest' }>): Promise<HeldRecord> {
    switch (move.kind) {
      case 'run':
        return await this.#run(held, move.place);
      case 'undo':
        return await this.#changed(held, await this.#undo(held.record, move.place));
      case 'turn':
        return await this.#changed(held, turned);
      default:
        return assertNever(move);
    }
  }

  async #run(held: HeldRecord, place: number): Promise<HeldRecord> {
    const { record } = held;
    const step = this.#parts.definition.steps[place]!;
    let result: unknown;
    try {
      result = await this.#attempted(step, async (attempt) =>
        asJson(await step.run(this.#context(record, place, { ...attempt, direction: 'run' }))),
      );
    } catch (error) {
      return await this.#changed(held, (latest) => stepFailed(latest, failureOf(error)));
    }
    try {
      return await this.#changed(held, (latest) => stepDone(latest, this.#names, result));
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      // There is no room for its result: it cannot count as done.
      return await this.#changed(held, (latest) => stepFailed(latest, failureOf(error)));
    }
  }

  async #undo(record: SagaRecord, place: number): Promise<Change> {
    const step = this.#parts.definition.steps[place]!;
    const { compensate } = step;
    if (compensate === undefined) return stepUndone;
    const { result } = record.steps[place]!;
    try {
      await this.#attempted(step, (attempt) =>
        compensate({ ...this.#context(record, place, { ...attempt, direction: 'undo' }), result }),
      );
    } catch (error) {
      return (latest) => undoFailed(latest, failureOf(error));
    }
    return stepUndone;
  }

  #attempted<Result>(
    step: DefinedStep,
    work: (attempt: Attempt) => Result | PromiseLike<Result>,
  ): Promise<Result> {
    const { seams, tenure } = this.#parts;
    return attempted(step, { seams, signal: tenure.signal }, work);
  }

  #context(
    record: SagaRecord,
    place: number,
    { number, signal, direction }: Attempt & { readonly direction: 'run' | 'undo' },
  ): StepContext<unknown, unknown> {
    const { type, id, input, steps } = record;
    const key = stepKey(record, this.#names[place]!);
    const before = steps.slice(0, place).map(({ name, result }) => [name, result]);
    return {
      type,
      id,
      key: direction === 'run' ? key : `${key}/undo`,
      input,
      results: Object.fromEntries(before),
      attempt: number,
      signal,
      token: this.#parts.tenure.token,
      once: onceFor(key, direction, this.#marks, signal),
    };
  }

  /** Keeps what `change` makes of the record, or of what an operator has made of it meanwhile. */
  async #changed(from: HeldRecord, change: Change): Promise<HeldRecord> {
    const { store, tenure } = this.#parts;
    let held = from;
    for (let tries = 0; ; tries += 1) {
      if (tenure.signal.aborted) throw lost(tenure.signal.reason);
      try {
        const changed = await store.change(held, change(held.record), tenure);
        if (changed !== undefined) return changed;
      } catch (error) {
        if (tenure.signal.aborted || !isOfCluster(error)) throw error;
        await this.#pause(tries);
      }
      held = await this.#held(from.record.id);
      // Nobody else makes moves under this tenure: it was made, and its answer was lost. One of an earlier tenure, still
      // under way when this one began, is none of its own: the saga is not taken yet.
      const isOwn = held.record.token === tenure.token;
      if (isOwn && held.record.moves !== from.record.moves) return held;
    }
  }

  /** Throws if another tenure has begun. */
  async #held(id: string): Promise<HeldRecord> {
    const { store, definition, tenure } = this.#parts;
    for (let tries = 0; ; tries += 1) {
      try {
        const held = await store.read(definition.type, id, { signal: tenure.signal });
        if (held === undefined) throw noSuchSaga(definition.type, id);
        if (held.record.token > tenure.token) throw lost(undefined);
        return held;
      } catch (error) {
        if (tenure.signal.aborted) throw lost(error);
        if (!isOfCluster(error)) throw error;
      }
      await this.#pause(tries);
    }
  }

  #pause(tries: number): Promise<void> {
    const { seams, tenure } = this.#parts;
    return pause(Math.min(PAUSE_MS * 2 ** tries, PAUSE_MS_MAX), { seams, signal: tenure.signal });
  }

  #checkFit(record: SagaRecord): void {
    const begun = record.steps.map((step) => step.name);
    if (begun.every((name, place) => name === this.#names[place])) return;
    throw new HoldfastError(
      'HOLDFAST_INVALID_ARGUMENT',
      `saga ${sagaKey(record)} has begun the steps ${begun.join(', ')}, but its definition has ${this.#names.join(', ')}`,
    );
  }
}

function failureOf(error: unknown): SagaFailure {
  const { message, code } = (error ?? {}) as { readonly message?: unknown; readonly code?: unknown };
  return {
    message: typeof message === 'string' ? message : String(error),
    ...(typeof code === 'string' ? { code } : {}),
  };
}

function lost(cause: unknown): HoldfastError {
  return new HoldfastError('HOLDFAST_ABORTED', 'this process works on the saga no longer', {
    outcome: 'unknown',
    cause,
  });
}

/** It passes by itself. Anything else would be met again and again: a record that cannot be read, a fault in what is kept. */
function isOfCluster(error: unknown): boolean {
  return (error as { readonly retryable?: unknown } | undefined)?.retryable === true;
}

function isTooLarge(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'HOLDFAST_VALUE_TOO_LARGE' || code === 'HOLDFAST_REQUEST_TOO_LARGE';
}

/** As the next process would find it: what a step is told must not depend on where it runs. Throws if it cannot be kept. */
function asJson(result: unknown): unknown {
  const text = JSON.stringify(result) as string | undefined;
  return text === undefined ? undefined : JSON.parse(text);
}
