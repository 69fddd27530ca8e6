import type { Revision } from '@holdfast/types';
import { invalidOption } from '../invalid-option.ts';
import { checkedNames } from '../options.ts';
import type { Once } from './once.ts';

/** What a step of a saga is told. */
export interface StepContext<Input, Results> {
  readonly type: string;
  readonly id: string;
  /**
   * Names this step of this saga, whichever process runs it and however often: what services take as an idempotency
   * key. That of a compensation is another.
   */
  readonly key: string;
  readonly input: Input;
  /** What the steps before it returned, as JSON has it. */
  readonly results: Readonly<Results>;
  /** Of this process, from 1. */
  readonly attempt: number;
  /**
   * Aborted when the attempt's time is up, when another process may have taken the saga over, when its worker stops, and
   * when its database is closed. What does not heed it goes on beside its own repetition.
   */
  readonly signal: AbortSignal;
  /** Greater for each process that takes the saga over: a resource that refuses smaller ones is safe from late calls. */
  readonly token: Revision;
  /** Applies operations of a Holdfast database exactly once for this step. */
  readonly once: Once;
}

/** What a compensation is told. */
export interface CompensationContext<Input, Results, Result> extends StepContext<Input, Results> {
  /** Undefined if the step failed, or its process ended before its result was kept: it may or may not have had effects. */
  readonly result: Result | undefined;
}

export interface SagaStep<Input, Results, Result> {
  /**
   * May be called again, by this process or another, until its result is kept: it must come to the same with the same
   * `key`. An error whose `retryable` is false is not tried again.
   */
  readonly run: (context: StepContext<Input, Results>) => Result | PromiseLike<Result>;
  /**
   * Takes back what the step did. Called for every step that was begun, the one that failed among them, the newest
   * first; as often as `run`, and even if that did nothing.
   */
  readonly compensate?: (context: CompensationContext<Input, Results, Awaited<Result>>) => unknown;
  /** Of one attempt; 10 000 by default. */
  readonly timeoutMs?: number;
  /** 5 by default. A process that takes the saga over counts anew. */
  readonly attemptsMax?: number;
  /** Before the first repetition at most, doubled for each one after it; the pause is any part of it. 100 by default. */
  readonly backoffMs?: number;
  /** 10 000 by default. */
  readonly backoffMsMax?: number;
}

/** A step as the runner has it, for any saga. */
export interface DefinedStep {
  readonly name: string;
  readonly run: (context: StepContext<unknown, unknown>) => unknown;
  readonly compensate: ((context: CompensationContext<unknown, unknown, unknown>) => unknown) | undefined;
  readonly timeoutMs: number;
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

const NAME = /^[\w.-]{1,64}$/;
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * The steps of one type of saga, in order; every process that works on sagas of the type must have the same. Immutable:
 * `step` returns a longer one, whose steps know the results of those before.
 */
export class SagaDefinition<Input, Results> {
  readonly type: string;
  readonly steps: readonly DefinedStep[];

  /** @throws HOLDFAST_INVALID_ARGUMENT for a name that cannot be one. */
  constructor(type: string, steps: readonly DefinedStep[] = []) {
    if (typeof type !== 'string' || !NAME.test(type)) throw invalidOption('type', type, NAME_RULE);
    this.type = type;
    this.steps = steps;
  }

  /** @throws HOLDFAST_INVALID_ARGUMENT for what is no step, or a name that another has. */
  step<Name extends string, Result>(
    name: Name,
    step: SagaStep<Input, Results, Result>,
  ): SagaDefinition<Input, Results & { readonly [Key in Name]: Awaited<Result> }> {
    if (typeof name !== 'string' || !NAME.test(name)) throw invalidOption('step', name, NAME_RULE);
    if (this.steps.some((other) => other.name === name))
      throw invalidOption('step', name, 'a name of its own');
    return new SagaDefinition(this.type, [...this.steps, definedStep(name, step as never)]);
  }
}

/** Begins the definition of the sagas of one type: `saga<Order>('order').step('reserve', { … }).step(…)`. @throws HOLDFAST_INVALID_ARGUMENT */
export function saga<Input = undefined>(type: string): SagaDefinition<Input, unknown> {
  return new SagaDefinition(type);
}

const NAME_RULE = '1 to 64 letters, digits, underscores, dots or hyphens';

const STEP_NAMES = ['run', 'compensate', 'timeoutMs', 'attemptsMax', 'backoffMs', 'backoffMsMax'];

function definedStep(name: string, step: SagaStep<unknown, unknown, unknown>): DefinedStep {
  checkedNames(`step ${name}`, step, STEP_NAMES);
  const { run, compensate } = step;
  if (typeof run !== 'function') throw invalidOption('run', run, 'a function');
  if (compensate !== undefined && typeof compensate !== 'function')
    throw invalidOption('compensate', compensate, 'a function');
  return {
    name,
    run,
    compensate,
    timeoutMs: whole('timeoutMs', step.timeoutMs ?? 10_000, TIMER_MS_MAX),
    attemptsMax: whole('attemptsMax', step.attemptsMax ?? 5, Number.MAX_SAFE_INTEGER),
    backoffMs: whole('backoffMs', step.backoffMs ?? 100, TIMER_MS_MAX),
    backoffMsMax: whole('backoffMsMax', step.backoffMsMax ?? 10_000, TIMER_MS_MAX),
  };
}

function whole(name: string, value: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > max)
    throw invalidOption(name, value, `a whole number from 1 to ${max}`);
  return value;
}
