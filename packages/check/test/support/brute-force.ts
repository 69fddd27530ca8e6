import { type HistoryEvent, type Model, type Operation, pairOperations } from '../../src/index.ts';

/** Tries every order of every subset that holds all answered operations: slow, and too simple to be wrong. */
export function isLinearizableByBruteForce<State, Action>(
  model: Model<State, Action>,
  history: readonly HistoryEvent[],
): boolean {
  const keys = new Set(history.map(({ key }) => key));
  const operations = pairOperations(history);
  return [...keys].every((key) =>
    canFollow(
      model,
      model.initial,
      operations.filter(({ invoke }) => invoke.key === key),
    ),
  );
}

/** Operations without end (`answeredAt` Infinity) need not happen. */
export function canFollow<State, Action>(
  model: Model<State, Action>,
  state: State,
  left: readonly Operation[],
): boolean {
  if (left.every(({ answeredAt }) => answeredAt === Infinity)) return true;
  return left.some((operation) => {
    if (left.some(({ answeredAt }) => answeredAt < operation.invokedAt)) return false;
    const rest = left.filter((other) => other !== operation);
    const action = model.action(operation);
    if (action === undefined) return canFollow(model, state, rest);
    const next = model.step(state, action);
    return next !== undefined && canFollow(model, next, rest);
  });
}
