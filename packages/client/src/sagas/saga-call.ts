import { HoldfastError } from '@holdfast/types';
import { CallTime } from '../call-time.ts';
import { checkedNames, checkedPositive, checkedSignal } from '../options.ts';
import type { Seams } from '../seams.ts';
import { fromWire } from '../session/failures.ts';

/** How long a call about sagas may take. */
export interface SagaCallOptions {
  /** Ends it at once with HOLDFAST_ABORTED; its `outcome` says what became of it. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, of the whole call. Absent: as long as the database gives each of the calls that it is made of. */
  readonly timeoutMs?: number | undefined;
}

/** Nothing else: one that is mistyped would go unheard. Throws HOLDFAST_INVALID_ARGUMENT. */
export function checkedSagaCall(options: SagaCallOptions): SagaCallOptions {
  checkedNames('options', options, ['signal', 'timeoutMs']);
  const { signal, timeoutMs } = options;
  return { signal, timeoutMs };
}

/** What each part of a call gets of its time. Throws if none is left. */
export function timeLeft(seams: Seams, options: SagaCallOptions): () => SagaCallOptions {
  const { signal } = checkedSagaCall(options);
  const timeoutMs = checkedPositive('timeoutMs', options.timeoutMs);
  if (timeoutMs === undefined) return () => ({ signal });
  const time = new CallTime(seams, timeoutMs, signal);
  return () => time.left();
}

/** Of what ends with `error` although its saga is kept: who gives it up does not take it back, and a worker may go on with it. */
export function ofKeptSaga(error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.outcome !== 'not-applied') return error;
  const { code, attempts, node } = error;
  if (code !== 'HOLDFAST_ABORTED' && code !== 'HOLDFAST_DEADLINE_EXCEEDED') return error;
  return fromWire(error, { attempts, node, outcome: 'unknown', cause: error });
}

/** Ends work of any length when its time is over: it is given a signal for that, and rejects once it has stopped. */
export async function endedInTime<Result>(
  { clock }: Seams,
  options: SagaCallOptions,
  work: (signal: AbortSignal | undefined) => Promise<Result>,
): Promise<Result> {
  checkedSagaCall(options);
  const timeoutMs = checkedPositive('timeoutMs', options.timeoutMs);
  const signal = checkedSignal(options.signal);
  if (timeoutMs === undefined) return await work(signal);
  const ended = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => {
    if (signal?.aborted !== true) ended.abort();
  });
  try {
    return await work(signal === undefined ? ended.signal : AbortSignal.any([ended.signal, signal]));
  } catch (error) {
    const isLate =
      error instanceof HoldfastError && error.code === 'HOLDFAST_ABORTED' && ended.signal.aborted;
    if (!isLate) throw error;
    throw new HoldfastError(
      'HOLDFAST_DEADLINE_EXCEEDED',
      'the saga was not over in the time given: a worker may go on with it',
      { cause: error },
    );
  } finally {
    timer.cancel();
  }
}
