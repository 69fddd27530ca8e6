import type { Outcome } from '@holdfast/types';

/** The codes of abstract-level that this package raises itself. */
export type LevelErrorCode =
  | 'LEVEL_ABORTED'
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_DECODE_ERROR'
  | 'LEVEL_HOOK_ERROR'
  | 'LEVEL_INVALID_KEY'
  | 'LEVEL_INVALID_VALUE';

/** An error of the kind abstract-level raises: told apart by `code`. */
export class LevelError extends Error {
  readonly code: LevelErrorCode;
  /** Of a call that writes: what became of it. */
  declare readonly outcome?: Outcome;

  constructor(code: LevelErrorCode, message: string, cause?: unknown, outcome?: Outcome) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (outcome !== undefined) this.outcome = outcome;
    // As the web platform names it.
    this.name = code === 'LEVEL_ABORTED' ? 'AbortError' : 'LevelError';
  }
}
