import { HoldfastError, type Outcome } from '@holdfast/types';

/** What an error says of a call that was made; an error that is none of Holdfast's is thrown again. */
export function outcomeOf(error: unknown): { readonly outcome: Outcome; readonly code: string } {
  if (error instanceof HoldfastError) return { outcome: error.outcome, code: error.code };
  const code = codeOf(error);
  // Of a range: abstract-level's word for it.
  if (code === 'LEVEL_ABORTED') return { outcome: 'not-applied', code };
  // The database could not be opened, or is closed: the call never left.
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN')
    return { outcome: 'not-applied', code };
  throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
