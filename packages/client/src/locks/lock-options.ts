import { invalidOption } from '../invalid-option.ts';
import { checkedNames, checkedPositive, checkedSignal, checkedTtl } from '../options.ts';

export interface HoldfastLockOptions {
  /**
   * How long a holder that dies keeps others from the lock, milliseconds from its last renewal on; 10 000 by default,
   * at least 100. It is renewed three times as often.
   */
  readonly ttlMs?: number | undefined;
  /** Milliseconds that `lock` waits; without it for as long as it takes, through outages of the cluster. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call at once with HOLDFAST_ABORTED. A lock that was got is not touched by it. */
  readonly signal?: AbortSignal | undefined;
}

export interface HoldfastElectOptions<V> {
  /** Who is elected, for those who look: anything that JSON can hold; null if it is not given. */
  readonly value: V;
  /** As of a lock. */
  readonly ttlMs?: number | undefined;
}

export interface HoldfastCampaignOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of `release` and `revoke`. Without them these never reject. */
export interface HoldfastReleaseOptions {
  /**
   * Milliseconds that its caller waits: HOLDFAST_DEADLINE_EXCEEDED after that. The cluster is asked for as long as the
   * first call says, and at least as long as the database gives a call that names no time.
   */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting at once with HOLDFAST_ABORTED. What was held is given up all the same, also if it is aborted before. */
  readonly signal?: AbortSignal | undefined;
}

const CALL_NAMES = ['timeoutMs', 'signal'];
const TTL_MS = 10_000;
/** Less would be lost by a pause of the garbage collector. */
const TTL_MS_MIN = 100;
const NAME_BYTES_MAX = 1024;

/** Of `lock`, `tryLock`, `campaign`, `release` and `revoke`. Throws HOLDFAST_INVALID_ARGUMENT. */
export function checkedLockOptions(options: HoldfastLockOptions, own: readonly string[] = ['ttlMs']): void {
  checkedNames('options', options, [...own, ...CALL_NAMES]);
  checkedPositive('timeoutMs', options.timeoutMs);
  checkedSignal(options.signal);
}

export function checkedElectOptions(options: Partial<HoldfastElectOptions<unknown>>): void {
  checkedNames('options', options, ['value', 'ttlMs']);
  // Nothing else of JSON's is undefined.
  if ('value' in options && JSON.stringify(options.value) === undefined)
    throw invalidOption('value', options.value, 'what JSON can hold');
  lockTtl(options.ttlMs);
}

export function lockTtl(ttlMs: number | undefined): number {
  const checked = checkedTtl(ttlMs) ?? TTL_MS;
  if (checked < TTL_MS_MIN) throw invalidOption('ttlMs', ttlMs, `at least ${TTL_MS_MIN} milliseconds`);
  return checked;
}

/** Names that differ are never the same name. */
export function checkedLockName(name: string): string {
  if (typeof name !== 'string' || !name.isWellFormed()) throw invalidOption('name', name, 'text');
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > NAME_BYTES_MAX)
    throw invalidOption('name', `${bytes} bytes`, `1 to ${NAME_BYTES_MAX} bytes of UTF-8`);
  return name;
}
