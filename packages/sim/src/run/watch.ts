import type { Effect, Input, RecoveredState } from '@holdfast/core';
import type { Boot, CoreObserver } from '../cluster/core-probe.ts';
import { traceStep } from '../cluster/step-trace.ts';
import type { Trace } from '../cluster/trace.ts';
import { DurablePromises } from '../oracles/durable-promises.ts';
import { ElectionSafety } from '../oracles/election-safety.ts';
import { StateMachineSafety } from '../oracles/state-machine-safety.ts';
import { UniqueRevisions } from '../oracles/unique-revisions.ts';
import { RunFailure } from './run-failure.ts';

/** Shows every step of every core to the oracles, and remembers the first thing that went wrong. */
export class Watch implements CoreObserver {
  readonly elections: ElectionSafety = new ElectionSafety();
  readonly stateMachine: StateMachineSafety = new StateMachineSafety();
  readonly #revisions: UniqueRevisions = new UniqueRevisions();
  readonly #promises: DurablePromises;
  readonly #events = new Map<string, number>();
  #trace: Trace | undefined;
  #failure: RunFailure | undefined;

  constructor(voters: number) {
    this.#promises = new DurablePromises(voters);
  }

  /** The first failure seen. */
  get failure(): RunFailure | undefined {
    return this.#failure;
  }

  get events(): ReadonlyMap<string, number> {
    return this.#events;
  }

  writeTo(trace: Trace): void {
    this.#trace = trace;
  }

  onRecovered(boot: Boot, recovered: RecoveredState): void {
    this.#trace?.record(`${boot.node} has read its disk (run ${boot.number})`);
    this.#promises.onRecovered(boot, recovered);
  }

  onStep(boot: Boot, input: Input, effects: readonly Effect[]): void {
    if (this.#trace !== undefined) traceStep(this.#trace, boot, input, effects);
    try {
      this.#promises.onStep(boot, input, effects);
      for (const effect of effects) {
        this.#count(effect);
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

  #count(effect: Effect): void {
    const name = effect.kind === 'notice' ? effect.notice.kind : effect.kind;
    if (!NOTABLE.has(name)) return;
    this.#events.set(name, (this.#events.get(name) ?? 0) + 1);
  }

  #remember(failure: RunFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#trace?.record(`FAILED: ${failure.kind}: ${failure.message}`);
  }
}

const NOTABLE: ReadonlySet<string> = new Set([
  'suspicion',
  'stepDown',
  'promotion',
  'truncated',
  'fileDiverged',
  'judged',
  'load',
  'sendSnapshot',
  'install',
  'discardSnapshot',
  'excluded',
  'switchover',
  'repair',
  'persistStall',
]);
