/** The codes of abstract-level that this package raises itself. */
export type LevelErrorCode =
  | 'LEVEL_ABORTED'
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_INVALID_KEY'
  | 'LEVEL_INVALID_VALUE';

/** An error of the kind abstract-level raises: told apart by `code`. */
export class LevelError extends Error {
  readonly code: LevelErrorCode;

  constructor(code: LevelErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    // As the web platform names it.
    this.name = code === 'LEVEL_ABORTED' ? 'AbortError' : 'LevelError';
  }
}
