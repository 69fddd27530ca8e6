import { Budget } from './budget.ts';
import type { KeyOperation } from './check-linearizable.ts';
import type { Model } from './model.ts';
import type { Operation } from './operation.ts';
import { Search, type SearchVerdict } from './search.ts';

/** A part of a history that no order explains, as small as could be found. */
export interface Counterexample {
  readonly key: string;
  /** In order of invocation. Operations without an answer, and those still open at the end, may or may not have happened. */
  readonly operations: readonly Operation[];
  /** The one whose answer cannot be explained, given the others. */
  readonly failing: Operation;
  /** What the key can have held where the window begins; more than one if open operations leave a choice. */
  readonly startStates: readonly string[];
  /** What the key can have held just before the failing answer. */
  readonly statesBefore: readonly string[];
  /** All of this for people, one line an event. */
  readonly text: string;
}

/** Where a window begins: a state, and operations from before it that were never answered and may yet happen. */
interface Start<State, Action> {
  readonly state: State;
  readonly left: readonly KeyOperation<Action>[];
}

interface Window<State, Action> {
  readonly starts: readonly Start<State, Action>[];
  readonly operations: readonly KeyOperation<Action>[];
}

/** Shrinking is a courtesy: bounded, and what was found so far is shown when it takes too long. */
const SHRINK_STEPS_MAX = 2_000_000;
const STARTS_MAX = 32;

export function explain<State, Action>(options: {
  model: Model<State, Action>;
  key: string;
  operations: readonly KeyOperation<Action>[];
  /** The search that ended `bad`. */
  search: Search<State, Action>;
}): Counterexample {
  const { model, key, search } = options;
  const failing = options.operations[search.furthest] as KeyOperation<Action>;
  const prefix = cutAfter(options.operations, failing.answeredAt);
  const budget = new Budget({ stepsMax: SHRINK_STEPS_MAX });
  let window: Window<State, Action> = { starts: [{ state: model.initial, left: [] }], operations: prefix };
  window = dropBeginning(model, window, budget);
  window = dropObservations(model, window, failing.operation, budget);

  const operations = withLeftOver(window).map(({ operation }) => operation);
  const startStates = distinct(window.starts.map(({ state }) => model.describeState(state)));
  const statesBefore = distinct(search.statesAtFurthest.map((state) => model.describeState(state)));
  const text = render({ model, key, window, failing: failing.operation, startStates, statesBefore });
  return { key, operations, failing: failing.operation, startStates, statesBefore, text };
}

/** What was invoked before a moment; answers after it are forgotten. */
function cutAfter<Action>(
  operations: readonly KeyOperation<Action>[],
  moment: number,
): KeyOperation<Action>[] {
  return operations
    .filter(({ invokedAt }) => invokedAt < moment)
    .map((operation) =>
      operation.answeredAt <= moment ? operation : { ...operation, answeredAt: Infinity },
    );
}

/** Begins at the latest moment at which nothing was open that has an answer, if its possible states are few. */
function dropBeginning<State, Action>(
  model: Model<State, Action>,
  window: Window<State, Action>,
  budget: Budget,
): Window<State, Action> {
  for (const moment of quietMoments(window.operations)) {
    const before = window.operations.filter(({ invokedAt }) => invokedAt < moment);
    const after = window.operations.filter(({ invokedAt }) => invokedAt >= moment);
    const starts = startsAfter(model, before, budget);
    if (budget.spent) return window;
    if (starts === undefined) continue;
    const smaller = { starts, operations: after };
    if (verdictOf(model, smaller, budget) === 'bad') return smaller;
  }
  return window;
}

/** Positions, latest first, at which every earlier operation with an answer has it. */
function quietMoments(operations: readonly KeyOperation<unknown>[]): number[] {
  const moments: number[] = [];
  let openUntil = -1;
  for (const { invokedAt, answeredAt } of operations) {
    if (invokedAt > openUntil && openUntil >= 0) moments.push(invokedAt);
    if (answeredAt !== Infinity) openUntil = Math.max(openUntil, answeredAt);
  }
  return moments.reverse();
}

function startsAfter<State, Action>(
  model: Model<State, Action>,
  operations: readonly KeyOperation<Action>[],
  budget: Budget,
): Start<State, Action>[] | undefined {
  const starts = new Map<string, Start<State, Action>>();
  new Search({ model, items: operations, budget }).run(model.initial, (state, left) => {
    starts.set(`${left.join()} ${model.stateKey(state)}`, {
      state,
      left: left.map((item) => operations[item] as KeyOperation<Action>),
    });
    return starts.size > STARTS_MAX;
  });
  return starts.size > STARTS_MAX ? undefined : [...starts.values()];
}

/** Leaves out reads and refused conditions that the contradiction does not need: without them there is less to explain. */
function dropObservations<State, Action>(
  model: Model<State, Action>,
  window: Window<State, Action>,
  failing: Operation,
  budget: Budget,
): Window<State, Action> {
  const canGo = (item: KeyOperation<Action>): boolean =>
    item.operation !== failing && model.observes(item.action);
  let smallest = window;
  for (let size = window.operations.length; size >= 1; size >>= 1) {
    for (let from = 0; from < smallest.operations.length; from += size) {
      const rest = smallest.operations.filter((item, at) => at < from || at >= from + size || !canGo(item));
      if (rest.length === smallest.operations.length) continue;
      const smaller = { starts: smallest.starts, operations: rest };
      const verdict = verdictOf(model, smaller, budget);
      if (budget.spent) return smallest;
      if (verdict === 'bad') smallest = smaller;
    }
  }
  return smallest;
}

function verdictOf<State, Action>(
  model: Model<State, Action>,
  window: Window<State, Action>,
  budget: Budget,
): SearchVerdict {
  for (const { state, left } of window.starts) {
    const verdict = new Search({ model, items: [...left, ...window.operations], budget }).run(state);
    if (verdict !== 'bad') return verdict;
  }
  return 'bad';
}

/** The window's operations and the older ones that may yet happen in it. */
function withLeftOver<State, Action>({ starts, operations }: Window<State, Action>): KeyOperation<Action>[] {
  const all = new Set([...starts.flatMap(({ left }) => left), ...operations]);
  return [...all].sort((a, b) => a.invokedAt - b.invokedAt);
}

function render<State, Action>(options: {
  model: Model<State, Action>;
  key: string;
  window: Window<State, Action>;
  failing: Operation;
  startStates: readonly string[];
  statesBefore: readonly string[];
}): string {
  const { model, key, window, failing } = options;
  const lines: { at: number; text: string }[] = [];
  for (const { operation, action, invokedAt, answeredAt } of withLeftOver(window)) {
    const who = `process ${operation.invoke.process}`;
    const what = model.describeAction(action);
    lines.push({ at: invokedAt, text: `${who} begins ${what}${openness(operation, answeredAt)}` });
    if (answeredAt === Infinity) continue;
    const mark = operation === failing ? '   <-- no order explains this' : '';
    lines.push({ at: answeredAt, text: `${who} ends   ${what}${mark}` });
  }
  lines.sort((a, b) => a.at - b.at);
  return [
    `key ${JSON.stringify(key)} is not linearizable (model ${model.name})`,
    `at the beginning it holds ${options.startStates.join(' or ')}`,
    ...lines.map(({ at, text }) => `  event ${at + 1}: ${text}`),
    `just before the failing answer it can have held ${options.statesBefore.join(' or ')}`,
  ].join('\n');
}

function openness(operation: Operation, answeredAt: number): string {
  if (answeredAt !== Infinity) return '';
  return operation.answer === undefined
    ? ' (never answered: may happen or not)'
    : ' (answered later: may happen or not)';
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
