import { type ErrorCode, HoldfastError, isDiskError } from '@holdfast/types';

/** How every refusal looks. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

export interface HttpRefusal {
  readonly status: number;
  readonly body: ErrorBody;
}

const STATUS_BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  HOLDFAST_INVALID_ARGUMENT: 400,
  HOLDFAST_ORIGIN_REFUSED: 403,
  HOLDFAST_DIVERGENCE_NOT_FOUND: 404,
  HOLDFAST_SWITCHOVER_FAILED: 409,
  HOLDFAST_REQUEST_TOO_LARGE: 413,
  HOLDFAST_NOT_PRIMARY: 503,
  HOLDFAST_NO_PRIMARY: 503,
  HOLDFAST_NOT_READY: 503,
  HOLDFAST_SNAPSHOT_LOST: 503,
  HOLDFAST_OVERLOADED: 503,
  HOLDFAST_DISK_FULL: 503,
  HOLDFAST_DEADLINE_EXCEEDED: 504,
};

export function refusalOf(error: HoldfastError): HttpRefusal {
  return refusal(STATUS_BY_CODE[error.code] ?? 500, error.code, error.message);
}

export function refusal(status: number, code: ErrorCode, message: string): HttpRefusal {
  return { status, body: { error: { code, message } } };
}

/**
 * What a route says no with, a disk without room, and what fastify itself refuses: bodies too long, of another type, not
 * JSON. Undefined: not a refusal but a fault.
 */
export function refusalOfError(error: unknown): HttpRefusal | undefined {
  if (error instanceof HoldfastError) return refusalOf(error);
  if (isDiskError(error, 'ENOSPC'))
    return refusalOf(new HoldfastError('HOLDFAST_DISK_FULL', error.message, { cause: error }));
  const status = statusOf(error);
  if (status === undefined || status < 400 || status > 499) return undefined;
  const code = status === 413 ? 'HOLDFAST_REQUEST_TOO_LARGE' : 'HOLDFAST_INVALID_ARGUMENT';
  return refusal(status, code, error instanceof Error ? error.message : 'refused');
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
