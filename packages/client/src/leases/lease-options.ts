import type { AbstractPutOptions, AbstractSublevel } from 'abstract-level';
import { invalidOption } from '../invalid-option.ts';
import { checkedNames, checkedPositive, checkedSignal } from '../options.ts';

/** What every call about a lease takes. */
interface LeaseCallOptions {
  /** Milliseconds for this call. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call at once with HOLDFAST_ABORTED; not the lease. */
  readonly signal?: AbortSignal | undefined;
}

export interface HoldfastLeaseOptions extends LeaseCallOptions {
  /**
   * How long its keys outlive their process, milliseconds from its last renewal on; 10 000 by default, at least 100. It is
   * renewed three times as often.
   */
  readonly ttlMs?: number | undefined;
  /** Told of each key that somebody else has written, deleted or given another time to live: the lease has it no more. */
  readonly onDetached?: ((key: unknown) => void) | undefined;
}

export interface HoldfastLeaseKeyOptions<K> extends LeaseCallOptions {
  readonly keyEncoding?: AbstractPutOptions<K, unknown>['keyEncoding'];
  /** The key is one of that sublevel instead of the database of the lease. */
  // biome-ignore lint/suspicious/noExplicitAny: as abstract-level types the sublevels of its batch operations.
  readonly sublevel?: AbstractSublevel<any, any, any, any> | undefined;
}

export interface HoldfastLeasePutOptions<K, V> extends HoldfastLeaseKeyOptions<K> {
  readonly valueEncoding?: AbstractPutOptions<K, V>['valueEncoding'];
}

const CALL_NAMES = ['timeoutMs', 'signal'];
const LEASE_NAMES = ['ttlMs', 'onDetached', ...CALL_NAMES];
const KEY_NAMES = ['keyEncoding', 'sublevel', ...CALL_NAMES];
const PUT_NAMES = ['valueEncoding', ...KEY_NAMES];

/** Throw HOLDFAST_INVALID_ARGUMENT, as the next two do. */
export function checkedLeaseOptions(options: HoldfastLeaseOptions): void {
  checkedCall(options, LEASE_NAMES);
  const { onDetached } = options;
  if (onDetached !== undefined && typeof onDetached !== 'function')
    throw invalidOption('onDetached', onDetached, 'a function');
}

export function checkedLeaseKeyOptions(options: HoldfastLeaseKeyOptions<never>): void {
  checkedCall(options, KEY_NAMES);
}

export function checkedLeasePutOptions(options: HoldfastLeasePutOptions<never, never>): void {
  checkedCall(options, PUT_NAMES);
}

function checkedCall(options: LeaseCallOptions, names: readonly string[]): void {
  checkedNames('options', options, names);
  checkedPositive('timeoutMs', options.timeoutMs);
  checkedSignal(options.signal);
}
