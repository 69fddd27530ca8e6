import { type ErrorCode, HoldfastError, type WireError } from '@holdfast/types';

export function wireError(code: ErrorCode, message: string): WireError {
  return toWireError(new HoldfastError(code, message));
}

/** Refused for want of room, and never begun. */
export function overloaded(message: string, retryAfterMs?: number): WireError {
  return toWireError(
    new HoldfastError('HOLDFAST_OVERLOADED', message, retryAfterMs === undefined ? {} : { retryAfterMs }),
  );
}

/** What a client is told of an error. Anything that is not a HoldfastError is not for clients. */
export function toWireError(error: HoldfastError): WireError {
  const { code, message, outcome, retryable, retryAfterMs, detail } = error;
  return {
    code,
    message,
    outcome,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(detail === undefined ? {} : { detail }),
  };
}

export function fromWireError(error: WireError): HoldfastError {
  const { code, message, ...options } = error;
  return new HoldfastError(code, message, options);
}
