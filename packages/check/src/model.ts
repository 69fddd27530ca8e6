import type { Operation } from './operation.ts';

/** A sequential specification: what one key does when operations happen one after another. */
export interface Model<State, Action> {
  readonly name: string;
  readonly initial: State;
  /**
   * The operation in the model's terms; undefined if it can be left out because it neither tells
   * nor changes anything (a read without an answer). Throws for an operation the model lacks.
   */
  action(operation: Operation): Action | undefined;
  /** The state after the action; undefined if the action, with its answer, cannot happen in `state`. */
  step(state: State, action: Action): State | undefined;
  /** Equal for states that no sequence of actions can tell apart. */
  stateKey(state: State): string;
  /**
   * True if wherever the action can happen without changing the state, it may as well happen at once:
   * doing it never rules out anything that may follow. True of reads and failed conditions.
   */
  observes(action: Action): boolean;
  /** Equal for actions that may stand for each other; used for those without an answer. */
  actionKey(action: Action): string;
  describeState(state: State): string;
  describeAction(action: Action): string;
}
