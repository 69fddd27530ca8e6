import { type ErrorCode, HoldfastError } from '@holdfast/types';

/** What the shell is told. Stable: scripts branch on it. */
export const EXIT = {
  done: 0,
  /** Refused, or a condition was false; a missing key too. */
  refused: 1,
  usage: 2,
  /** No primary, or no node in reach. */
  unreachable: 3,
  /** The deadline passed, or the outcome is unknown; or it was done, and less came of it than was asked. */
  unknown: 4,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

const BY_CODE: Readonly<Partial<Record<ErrorCode, ExitStatus>>> = {
  HOLDFAST_INVALID_ARGUMENT: EXIT.usage,
  HOLDFAST_INVALID_CONFIGURATION: EXIT.usage,
  HOLDFAST_NO_PRIMARY: EXIT.unreachable,
  HOLDFAST_NOT_PRIMARY: EXIT.unreachable,
  HOLDFAST_NOT_READY: EXIT.unreachable,
  HOLDFAST_DEADLINE_EXCEEDED: EXIT.unknown,
};

export function exitStatusOf(error: unknown): ExitStatus {
  if (!(error instanceof HoldfastError)) return EXIT.refused;
  // What was or may have been written is never told like a plain refusal or a cluster out of reach.
  if (error.outcome !== 'not-applied') return EXIT.unknown;
  return BY_CODE[error.code] ?? EXIT.refused;
}
