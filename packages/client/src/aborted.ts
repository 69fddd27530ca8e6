import { HoldfastError, type Outcome } from '@holdfast/types';

/** What something ends with that its caller has aborted; without an `outcome` before it could change anything. */
export function aborted(
  words: string,
  signal: AbortSignal | undefined,
  outcome: Outcome = 'not-applied',
): HoldfastError {
  return new HoldfastError('HOLDFAST_ABORTED', words, { outcome, cause: signal?.reason });
}
