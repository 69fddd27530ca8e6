import { CallTime } from '../call-time.ts';
import type { Seams } from '../seams.ts';
import type { DefinedStep } from './saga-definition.ts';

export type RetryPolicy = Pick<DefinedStep, 'timeoutMs' | 'attemptsMax' | 'backoffMs' | 'backoffMsMax'>;

export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Aborted at the end of the attempt, however it ends. */
  readonly signal: AbortSignal;
}

/** Time for a pause to end by itself before the call that it is part of does. */
const SLACK_MS = 1000;

/**
 * What `work` comes to within the policy's attempts: each with its time, pauses between them with exponential growth
 * and full jitter. Rejects with the last attempt's error, or with HOLDFAST_ABORTED once `signal` is aborted.
 */
export async function attempted<Result>(
  policy: RetryPolicy,
  { seams, signal }: { readonly seams: Seams; readonly signal: AbortSignal },
  work: (attempt: Attempt) => Result | PromiseLike<Result>,
): Promise<Result> {
  for (let number = 1; ; number += 1) {
    const ended = new AbortController();
    const time = new CallTime(seams, policy.timeoutMs, signal);
    time.left();
    try {
      const attempt = { number, signal: AbortSignal.any([signal, ended.signal]) };
      return await time.within((async () => await work(attempt))());
    } catch (error) {
      if (signal.aborted || number >= policy.attemptsMax || !isWorthRepeating(error)) throw error;
    } finally {
      ended.abort();
    }
    await pause(Math.min(policy.backoffMs * 2 ** (number - 1), policy.backoffMsMax), { seams, signal });
  }
}

/** Any time up to `ms`. Rejects with HOLDFAST_ABORTED once `signal` is aborted. */
export function pause(
  ms: number,
  { seams, signal }: { readonly seams: Seams; readonly signal: AbortSignal | undefined },
): Promise<void> {
  return new CallTime(seams, ms + SLACK_MS, signal).pause(ms);
}

/** Errors of services say so by `retryable: false`, as those of Holdfast do. */
function isWorthRepeating(error: unknown): boolean {
  return (error as { readonly retryable?: unknown } | undefined)?.retryable !== false;
}
