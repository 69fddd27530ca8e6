/** What is to blame. Exit codes of `pnpm sim` follow from it. */
export type FailureKind =
  /** A promise was broken. */
  | 'safety'
  /** Nothing went on, though it should have. */
  | 'liveness'
  /** The code under test threw, or a node ended by itself. */
  | 'crash'
  /** The simulator itself. */
  | 'simulator';

/** Why a run did not pass. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
