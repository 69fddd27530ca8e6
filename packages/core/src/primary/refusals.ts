import type { SessionId, WireError } from '@holdfast/types';
import { wireError } from '../kernel/wire-errors.ts';

/** For a refusal that the next entry may lift. */
export const RETRY_AFTER_MS = 50;

export function queueFull(): WireError {
  return wireError('HOLDFAST_OVERLOADED', 'the queue of the primary is full', {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** It would find no room if it were alone. */
export function tooLong(): WireError {
  return wireError('HOLDFAST_REQUEST_TOO_LARGE', 'the write is longer than the queue of the primary may be');
}

export function lineFull(): WireError {
  return wireError('HOLDFAST_OVERLOADED', 'too many local writes wait for replication', {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

export function diskFull(): WireError {
  return wireError('HOLDFAST_DISK_FULL', 'the disk of the primary is full', { retryAfterMs: 1000 });
}

export function deadlinePassed(): WireError {
  return wireError('HOLDFAST_DEADLINE_EXCEEDED', 'the deadline passed before the write was logged', {
    outcome: 'not-applied',
  });
}

export function sessionExpired(session: SessionId): WireError {
  return wireError('HOLDFAST_SESSION_EXPIRED', `session ${session} is not known`);
}

export function sequenceClosed(session: SessionId, sequence: number): WireError {
  return wireError(
    'HOLDFAST_SEQUENCE_CLOSED',
    `sequence ${sequence} of session ${session} was given up or answered before`,
  );
}
