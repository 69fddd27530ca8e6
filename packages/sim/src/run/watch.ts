import type { Effect, Input } from '@holdfast/core';
import { AssertionError } from '@holdfast/types';
import type { Boot, CoreObserver } from '../cluster/core-probe.ts';
import { traceStep } from '../cluster/step-trace.ts';
import type { Trace } from '../cluster/trace.ts';
import { ElectionSafety } from '../oracles/election-safety.ts';
import { SafetyViolation } from '../oracles/safety-violation.ts';
import { StateMachineSafety } from '../oracles/state-machine-safety.ts';
import { UniqueRevisions } from '../oracles/unique-revisions.ts';
import { RunFailure } from './run-failure.ts';

/** Shows every step of every core to the oracles, and remembers the first thing that went wrong. */
export class Watch implements CoreObserver {
  readonly elections: ElectionSafety = new ElectionSafety();
  readonly stateMachine: StateMachineSafety = new StateMachineSafety();
  readonly #revisions: UniqueRevisions = new UniqueRevisions();
  #trace: Trace | undefined;
  #failure: RunFailure | undefined;

  /** The first failure seen. */
  get failure(): RunFailure | undefined {
    return this.#failure;
  }

  writeTo(trace: Trace): void {
    this.#trace = trace;
  }

  onRecovered({ node, number }: Boot): void {
    this.#trace?.record(`${node} has read its disk (run ${number})`);
  }

  onStep(boot: Boot, input: Input, effects: readonly Effect[]): void {
    if (this.#trace !== undefined) traceStep(this.#trace, boot, input, effects);
    try {
      for (const effect of effects) {
        this.elections.onEffect(boot, effect);
        this.stateMachine.onEffect(boot, effect);
        this.#revisions.onEffect(boot, effect);
      }
    } catch (error) {
      this.fails(error);
    }
  }

  onBroken({ node }: Boot, error: unknown): void {
    const kind = error instanceof AssertionError ? 'safety' : 'crash';
    this.#remember(new RunFailure(kind, `the core of ${node} broke: ${messageOf(error)}`, error));
  }

  onNodeEnded({ node, number }: Boot, error: unknown): void {
    this.#remember(new RunFailure('crash', `${node} (run ${number}) ended: ${messageOf(error)}`, error));
  }

  /** An oracle's verdict, or anything else that the code under test threw. */
  fails(error: unknown): void {
    if (error instanceof RunFailure) this.#remember(error);
    else if (error instanceof SafetyViolation) this.#remember(new RunFailure('safety', error.message, error));
    else this.#remember(new RunFailure('crash', messageOf(error), error));
  }

  #remember(failure: RunFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#trace?.record(`FAILED: ${failure.kind}: ${failure.message}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
