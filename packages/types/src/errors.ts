/** What is known of the effect of a failed call. */
export type Outcome = 'not-applied' | 'applied' | 'unknown';

/**
 * Every code that Holdfast makes, with its usual outcome. Documented in docs/errors.md; never reused.
 * Codes of abstract-level (`LEVEL_*`) are used where it has one.
 */
export const ERROR_CODES = {
  HOLDFAST_NO_PRIMARY: { outcome: 'not-applied', retryable: true },
  HOLDFAST_NOT_PRIMARY: { outcome: 'not-applied', retryable: true },
  HOLDFAST_DEADLINE_EXCEEDED: { outcome: 'unknown', retryable: true },
  HOLDFAST_ABORTED: { outcome: 'unknown', retryable: false },
  HOLDFAST_ACK_NOT_REACHED: { outcome: 'applied', retryable: false },
  HOLDFAST_OUTCOME_UNKNOWN: { outcome: 'unknown', retryable: true },
  HOLDFAST_CONFLICT: { outcome: 'not-applied', retryable: false },
  HOLDFAST_NOT_AN_INTEGER: { outcome: 'not-applied', retryable: false },
  HOLDFAST_RESULT_TOO_LARGE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_SESSION_EXPIRED: { outcome: 'unknown', retryable: false },
  HOLDFAST_SESSION_DIVERGED: { outcome: 'not-applied', retryable: true },
  HOLDFAST_SEQUENCE_CLOSED: { outcome: 'unknown', retryable: false },
  HOLDFAST_SNAPSHOT_LOST: { outcome: 'not-applied', retryable: true },
  HOLDFAST_REVISION_COMPACTED: { outcome: 'not-applied', retryable: false },
  HOLDFAST_PREVIOUS_VALUE_UNKNOWN: { outcome: 'not-applied', retryable: false },
  HOLDFAST_TOO_STALE: { outcome: 'not-applied', retryable: true },
  HOLDFAST_OVERLOADED: { outcome: 'not-applied', retryable: true },
  HOLDFAST_CLIENT_QUEUE_FULL: { outcome: 'not-applied', retryable: true },
  HOLDFAST_NOT_READY: { outcome: 'not-applied', retryable: true },
  HOLDFAST_DISK_FULL: { outcome: 'not-applied', retryable: true },
  HOLDFAST_DISK_FAILED: { outcome: 'unknown', retryable: false },
  HOLDFAST_KEY_TOO_LARGE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_VALUE_TOO_LARGE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_REQUEST_TOO_LARGE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_INVALID_ARGUMENT: { outcome: 'not-applied', retryable: false },
  HOLDFAST_INVALID_MESSAGE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_INVALID_CONFIGURATION: { outcome: 'not-applied', retryable: false },
  HOLDFAST_UNKNOWN_DATABASE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_WRONG_CLUSTER: { outcome: 'not-applied', retryable: false },
  HOLDFAST_NODE_REPLACED: { outcome: 'not-applied', retryable: false },
  HOLDFAST_DISK_WENT_BACK: { outcome: 'not-applied', retryable: false },
  HOLDFAST_CORRUPT_LOG: { outcome: 'not-applied', retryable: false },
  HOLDFAST_VERSION_MISMATCH: { outcome: 'not-applied', retryable: false },
  HOLDFAST_ORIGIN_REFUSED: { outcome: 'not-applied', retryable: false },
  HOLDFAST_PORT_IN_USE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_DATA_DIRECTORY_IN_USE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_DATA_DIRECTORY_UNUSABLE: { outcome: 'not-applied', retryable: false },
  HOLDFAST_SWITCHOVER_FAILED: { outcome: 'not-applied', retryable: true },
  HOLDFAST_LOCK_LOST: { outcome: 'not-applied', retryable: false },
  HOLDFAST_LEASE_LOST: { outcome: 'not-applied', retryable: false },
  HOLDFAST_LEASE_FULL: { outcome: 'not-applied', retryable: false },
  HOLDFAST_SAGA_NOT_FOUND: { outcome: 'not-applied', retryable: false },
  HOLDFAST_SAGA_EXISTS: { outcome: 'not-applied', retryable: false },
  HOLDFAST_SAGA_COMPENSATED: { outcome: 'not-applied', retryable: false },
  HOLDFAST_SAGA_STUCK: { outcome: 'unknown', retryable: false },
  HOLDFAST_DIVERGENCE_NOT_FOUND: { outcome: 'not-applied', retryable: false },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface HoldfastErrorOptions {
  readonly outcome?: Outcome;
  readonly retryable?: boolean;
  /** Milliseconds. */
  readonly retryAfterMs?: number;
  /** How often the call was sent. */
  readonly attempts?: number;
  /** The node that answered, if one did. */
  readonly node?: string;
  /** Code-specific number; see `WireError.detail`. */
  readonly detail?: number;
  readonly cause?: unknown;
}

/** The one error class of Holdfast. Match on `code`, never on text. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly attempts: number;
  readonly node: string | undefined;
  readonly detail: number | undefined;

  constructor(code: ErrorCode, message: string, options: HoldfastErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome ?? ERROR_CODES[code].outcome;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.attempts = options.attempts ?? 0;
    this.node = options.node;
    this.detail = options.detail;
  }
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
