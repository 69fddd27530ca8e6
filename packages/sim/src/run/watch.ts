import type { Core, Effect, Input, RecoveredState } from '@holdfast/core';
import type { Boot, CoreObserver } from '../cluster/core-probe.ts';
import { traceStep } from '../cluster/step-trace.ts';
import type { Trace } from '../cluster/trace.ts';
import { CoverageMarks } from '../coverage/coverage-marks.ts';
import { DurablePromises } from '../oracles/durable-promises.ts';
import { ElectionSafety } from '../oracles/election-safety.ts';
import { FailedSyncs } from '../oracles/failed-syncs.ts';
import { StateMachineSafety } from '../oracles/state-machine-safety.ts';
import { UniqueRevisions } from '../oracles/unique-revisions.ts';
import { RunFailure } from './run-failure.ts';

/** Shows every step of every core to the oracles, and remembers the first thing that went wrong. */
export class Watch implements CoreObserver {
  readonly elections: ElectionSafety = new ElectionSafety();
  readonly stateMachine: StateMachineSafety = new StateMachineSafety();
  /** Told by who makes them fail. */
  readonly syncs: FailedSyncs = new FailedSyncs();
  readonly #revisions: UniqueRevisions = new UniqueRevisions();
  readonly #promises: DurablePromises;
  /** Rare paths taken, and how often. */
  readonly marks: CoverageMarks = new CoverageMarks();
  #trace: Trace | undefined;
  #failure: RunFailure | undefined;

  constructor(voters: number) {
    this.#promises = new DurablePromises(voters);
  }

  /** The first failure seen. */
  get failure(): RunFailure | undefined {
    return this.#failure;
  }

  writeTo(trace: Trace): void {
    this.#trace = trace;
  }

  onRecovered(boot: Boot, recovered: RecoveredState): void {
    this.#trace?.record(`${boot.node} has read its disk (run ${boot.number})`);
    this.#promises.onRecovered(boot, recovered);
    this.marks.onRecovered(boot, recovered);
  }

  beforeStep(boot: Boot, core: Core, input: Input): void {
    this.marks.beforeStep(boot, core, input);
  }

  onStep(boot: Boot, input: Input, effects: readonly Effect[]): void {
    if (this.#trace !== undefined) traceStep(this.#trace, boot, input, effects);
    this.marks.afterStep(boot, input, effects);
    try {
      this.#promises.onStep(boot, input, effects);
      this.syncs.onStep(boot, input);
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
    this.#remember(RunFailure.from(error, 'crash', `the core of ${node} broke: `));
  }

  onNodeEnded({ node, number }: Boot, error: unknown): void {
    this.#remember(RunFailure.from(error, 'crash', `${node} (run ${number}) ended: `));
  }

  /** An oracle's verdict, or anything else that the code under test threw. */
  fails(error: unknown): void {
    this.#remember(RunFailure.from(error, 'crash'));
  }

  #remember(failure: RunFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#trace?.record(`FAILED: ${failure.kind}: ${failure.message}`);
  }
}
