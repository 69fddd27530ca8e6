import { AssertionError } from '@holdfast/types';
import { SafetyViolation } from '../oracles/safety-violation.ts';
import { type Blamed, blamedFor } from './blame.ts';

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
  /** Who saw it: the name of an oracle, or what did not come to be. The same for two failures of one sort. */
  readonly oracle: string;

  constructor(kind: FailureKind, oracle: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.oracle = oracle;
  }

  /**
   * What an error means: the verdict of an oracle, or what whoever is to blame let out; `otherwise` is, if that cannot be
   * told from its way.
   */
  static from(error: unknown, otherwise: Blamed, where: string = ''): RunFailure {
    if (error instanceof RunFailure) return error;
    const message = where + (error instanceof Error ? error.message : String(error));
    if (error instanceof SafetyViolation) return new RunFailure('safety', error.oracle, message, error);
    const whom = blamedFor(error) ?? otherwise;
    if (error instanceof AssertionError && whom === 'crash')
      return new RunFailure('safety', 'assertions', message, error);
    return new RunFailure(whom, whom, message, error);
  }
}
