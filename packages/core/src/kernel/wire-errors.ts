import { ERROR_CODES, type ErrorCode, type WireError } from '@holdfast/types';

/** An answer with the code's usual outcome, unless told otherwise. */
export function wireError(code: ErrorCode, message: string, options: Partial<WireError> = {}): WireError {
  return {
    code,
    message,
    outcome: ERROR_CODES[code].outcome,
    retryable: ERROR_CODES[code].retryable,
    ...options,
  };
}
