import type { BookedIncrement, BookedWrite } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { LoggedMutation, WinningLog } from './winning-log.ts';

const NAME = 'exactly once';

/**
 * A call is applied once, however often it was sent (G5): each (session, sequence) and each value is in the log
 * that won once. Conditions and increments came to what the log before them says (G8).
 */
export function checkExactlyOnce(
  log: WinningLog,
  writes: readonly BookedWrite[],
  increments: readonly BookedIncrement[],
): void {
  checkCalls(log);
  checkConditions(log, writes);
  for (const [key, steps] of Map.groupBy(increments, (step) => step.key))
    checkCounter(key, log.ofKey(key), steps);
}

function checkCalls(log: WinningLog): void {
  const calls = new Map<string, number>();
  for (const { call: made, index } of log.mutations) {
    if (made === undefined) continue;
    const call = `${made.session}/${made.sequence}`;
    const before = calls.get(call);
    if (before !== undefined && before !== index)
      throw new SafetyViolation(NAME, `call ${call} is in the log at ${before} and at ${index}`);
    calls.set(call, index);
  }
}

function checkConditions(log: WinningLog, writes: readonly BookedWrite[]): void {
  const demands = new Map<string, number | undefined>();
  for (const { changes, ifRevision } of writes)
    for (const { key, value } of changes)
      if (value !== undefined) demands.set(JSON.stringify([key, value]), ifRevision);
  const state = new Map<string, number>();
  const seen = new Set<string>();
  for (const { key, value, revision, index, isRenewal } of log.mutations) {
    const before = state.get(key) ?? 0;
    state.set(key, value === undefined ? 0 : revision);
    const name = JSON.stringify([key, value]);
    if (value === undefined || isRenewal || !demands.has(name)) continue;
    if (seen.has(name))
      throw new SafetyViolation(NAME, `${key}=${value} is in the log twice, again at ${index}`);
    seen.add(name);
    const demanded = demands.get(name);
    if (demanded !== undefined && demanded !== before)
      throw new SafetyViolation(
        NAME,
        `${key}=${value} demanded revision ${demanded} and was applied at ${index}, over ${before}`,
      );
  }
}

function checkCounter(
  key: string,
  mutations: readonly LoggedMutation[],
  steps: readonly BookedIncrement[],
): void {
  const told = new Map<number, BookedIncrement>();
  for (const step of steps)
    if (step.outcome.kind === 'acknowledged') {
      if (told.has(step.outcome.revision))
        throw new SafetyViolation(NAME, `two steps of ${key} were told revision ${step.outcome.revision}`);
      told.set(step.outcome.revision, step);
    }
  const unsure = steps.filter(({ outcome }) => outcome.kind === 'unknown' || outcome.kind === 'open');
  let total = 0;
  let unexplained = 0;
  for (const { value, revision, index } of mutations) {
    const step = told.get(revision);
    const reached = Number(value);
    const by = step?.by ?? reached - total;
    if (reached !== total + by)
      throw new SafetyViolation(
        NAME,
        `${key} goes from ${total} to ${value} at ${index}, by a step of ${by}`,
      );
    if (step === undefined) {
      unexplained += 1;
      if (!unsure.some((possible) => possible.by === by))
        throw new SafetyViolation(
          NAME,
          `${key} goes from ${total} to ${value} at ${index}: nobody asked for it`,
        );
    } else if (step.outcome.kind === 'acknowledged' && step.outcome.value !== reached) {
      throw new SafetyViolation(NAME, `a step of ${key} was told ${step.outcome.value}; it made it ${value}`);
    }
    told.delete(revision);
    total = reached;
  }
  if (unexplained > unsure.length)
    throw new SafetyViolation(
      NAME,
      `${key} took ${unexplained} steps that nobody was told of; ${unsure.length} may have been`,
    );
  for (const revision of told.keys())
    throw new SafetyViolation(NAME, `an acknowledged step of ${key} at revision ${revision} is lost`);
}
