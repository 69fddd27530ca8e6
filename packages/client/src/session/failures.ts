import type { ErrorCode, Outcome, WireError } from '@holdfast/types';
import { HoldfastError } from '@holdfast/types';
import { type AnyCall, NO_LINK } from './call.ts';

/**
 * What is known of a call's effect if it ends now: `not-applied` only if every attempt was answered so or none
 * was made. Reads have no effect.
 */
function outcomeOf(call: AnyCall): Outcome {
  if (call.kind !== 'write') return 'not-applied';
  return call.mayBeLogged || call.link !== NO_LINK ? 'unknown' : 'not-applied';
}

/** A final answer of a node, for an attempt that has just been taken off its link. */
export function answeredError(call: AnyCall, error: WireError, node: string | undefined): HoldfastError {
  // An earlier attempt may have been logged whatever this one met, unless the answer says that the write stands.
  const earlier = outcomeOf(call);
  const outcome =
    call.kind !== 'write'
      ? earlier
      : error.outcome === 'applied' || earlier === 'not-applied'
        ? error.outcome
        : earlier;
  return fromWire(error, { attempts: call.attempts, node, outcome });
}

/** The caller's time is up. `failure`: why no node is in reach, if none is. */
export function deadlineError(
  call: AnyCall,
  state: { readonly primaryKnown: boolean; readonly failure?: HoldfastError | undefined },
): HoldfastError {
  const outcome = outcomeOf(call);
  const { attempts, refusal } = call;
  const cause =
    refusal === undefined
      ? state.failure
      : fromWire(refusal, { attempts, node: undefined, outcome: refusal.outcome });
  if (outcome === 'unknown') {
    return new HoldfastError(
      'HOLDFAST_DEADLINE_EXCEEDED',
      'no answer within the time given; the write may or may not have happened',
      {
        outcome,
        attempts,
        cause,
      },
    );
  }
  if (refusal !== undefined && !isRouting(refusal.code)) {
    return fromWire(refusal, { attempts, node: undefined, outcome });
  }
  if (refusal !== undefined || !state.primaryKnown) {
    return new HoldfastError('HOLDFAST_NO_PRIMARY', 'no primary could be reached within the time given', {
      outcome,
      attempts,
      cause,
    });
  }
  return new HoldfastError('HOLDFAST_DEADLINE_EXCEEDED', 'no answer within the time given', {
    outcome,
    attempts,
    cause,
  });
}

/** There is no primary, and the caller does not want to wait for one. `failure`: why no node is in reach, if none is. */
export function noPrimaryError(call: AnyCall, failure?: HoldfastError): HoldfastError {
  const { attempts, refusal } = call;
  const cause =
    refusal === undefined
      ? failure
      : fromWire(refusal, { attempts, node: undefined, outcome: refusal.outcome });
  return new HoldfastError('HOLDFAST_NO_PRIMARY', 'there is no primary, or none that answers', {
    outcome: 'not-applied',
    attempts,
    cause,
  });
}

/** The caller, or the end of the client, called it off. */
export function abortedError(call: AnyCall, cause: unknown): HoldfastError {
  return new HoldfastError('HOLDFAST_ABORTED', 'the call was aborted', {
    outcome: outcomeOf(call),
    attempts: call.attempts,
    cause,
  });
}

/** Refusals that say "not here, not now" and nothing about the call. */
export function isRouting(code: ErrorCode): boolean {
  return code === 'HOLDFAST_NOT_PRIMARY' || code === 'HOLDFAST_NO_PRIMARY' || code === 'HOLDFAST_NOT_READY';
}

/** What a node said, and an error that was made of it, have in common. */
type Said = Pick<HoldfastError, 'code' | 'message' | 'retryable'> &
  Partial<Pick<HoldfastError, 'retryAfterMs' | 'detail'>>;

/** What a node said, as the caller is told; or the same in another light. */
export function fromWire(
  error: Said,
  context: { attempts: number; node: string | undefined; outcome: Outcome; cause?: unknown },
): HoldfastError {
  return new HoldfastError(error.code, error.message, {
    outcome: context.outcome,
    retryable: error.retryable,
    attempts: context.attempts,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(context.node === undefined ? {} : { node: context.node }),
    cause: context.cause,
  });
}
