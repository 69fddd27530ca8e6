import { HoldfastError } from '@holdfast/types';
import type { TransactionStep, TransactionStepResult } from '../transaction.ts';
import { markIn, type OnceOf, type StepMarks } from './step-marks.ts';

/**
 * Applies all of `steps` in `database`, any Holdfast database, unless this step of the saga has done so before. Gives
 * what each of them came to if that was now, otherwise undefined. A compensation applies them only if the step itself had
 * applied its own, and a step that was compensated never does again: so it does not matter which of them comes first, or
 * comes late.
 */
export type Once = <K, V>(
  database: OnceOf<K, V>,
  steps: readonly TransactionStep<K, V>[],
) => Promise<readonly TransactionStepResult<V>[] | undefined>;

const APPLIED = 'applied';
const UNDONE = 'undone';

/** `key`: of the step, the same for its compensation. What it may leave behind is noted in `marks`. */
export function onceFor(key: string, direction: 'run' | 'undo', marks: StepMarks, signal: AbortSignal): Once {
  const apply = async (
    database: OnceOf<unknown, unknown>,
    steps: readonly TransactionStep<unknown, unknown>[],
  ) => {
    const mark = markIn(database, key);
    marks.note(database, key);
    const marked = (value: string) => ({ ...mark, type: 'put', value }) as const;
    if (direction === 'undo') {
      const { branch, steps: results } = await database.transaction(
        {
          if: [{ ...mark, value: APPLIED }],
          then: [...steps, marked(UNDONE)],
          // Not applied so far: it must not be from now on.
          else: [marked(UNDONE)],
        },
        { signal },
      );
      return branch === 'then' ? results.slice(0, steps.length) : undefined;
    }
    const { branch, steps: results } = await database.transaction(
      {
        if: [{ ...mark, absent: true }],
        then: [...steps, marked(APPLIED)],
        else: [{ ...mark, type: 'get' }],
      },
      { signal },
    );
    if (branch === 'then') return results.slice(0, steps.length);
    const before = results[0];
    if (before?.type === 'get' && before.value === UNDONE) {
      throw new HoldfastError('HOLDFAST_ABORTED', `${key} was compensated, and is not applied any more`, {
        outcome: 'not-applied',
      });
    }
    return undefined;
  };
  return apply as Once;
}
