import { checkLinearizable, counterModel, type HistoryEvent, keyValueModel } from '@holdfast/check';
import { SafetyViolation } from './safety-violation.ts';

/** A check that would take longer is given up and counted. */
const STEPS_MAX = 2_000_000;

/** Each key behaves as if there were one copy of it. Answers whether that could be decided within bounds. */
export function checkHistories(
  registers: readonly HistoryEvent[],
  counters: readonly HistoryEvent[],
): 'ok' | 'undecided' {
  const results = [
    checkLinearizable(keyValueModel, registers, { stepsMax: STEPS_MAX }),
    checkLinearizable(counterModel, counters, { stepsMax: STEPS_MAX }),
  ];
  for (const { verdict, counterexample } of results)
    if (verdict === 'bad')
      throw new SafetyViolation('linearizability', counterexample?.text ?? 'no order found');
  return results.some(({ verdict }) => verdict === 'undecided') ? 'undecided' : 'ok';
}
