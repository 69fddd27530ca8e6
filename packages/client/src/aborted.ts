import { HoldfastError } from '@holdfast/types';

/** What something ends with that its caller has aborted before it could change anything. */
export function aborted(words: string, signal: AbortSignal | undefined): HoldfastError {
  return new HoldfastError('HOLDFAST_ABORTED', words, { outcome: 'not-applied', cause: signal?.reason });
}
