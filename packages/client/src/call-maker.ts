import {
  type Ack,
  type Condition,
  type Consistency,
  HoldfastError,
  type KeyRange,
  type Operation,
  type Revision,
} from '@holdfast/types';
import { readProblem } from '@holdfast/wire';
import type { KeyBounds } from './keys/key-space.ts';
import {
  type CallDefaults,
  checkedAck,
  checkedConsistency,
  checkedPositive,
  checkedRevision,
  checkedSignal,
  type ReadCallOptions,
  type WriteCallOptions,
} from './options.ts';
import type { RangeRead } from './range-cursor.ts';
import { ReadCall, ScanCall, WriteCall } from './session/call.ts';
import type { Tenant } from './tenant.ts';
import { checkedBytes, NO_CONDITIONS } from './write-request.ts';

/** What abstract-level hands down for a range. */
export interface RangeOptions extends ReadCallOptions, KeyBounds {
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Makes calls of arguments: checks them, and fills in what the call does not say. */
export class CallMaker {
  readonly #tenant: Tenant;
  readonly #defaults: CallDefaults;

  constructor(tenant: Tenant, defaults: CallDefaults) {
    this.#tenant = tenant;
    this.#defaults = defaults;
  }

  write(
    operations: readonly Operation[],
    options: WriteCallOptions,
    conditions: readonly Condition[] = NO_CONDITIONS,
  ): WriteCall {
    const bytes = checkedBytes(operations, conditions);
    const ack = checkedAck(options.ack) ?? this.#defaultAck;
    checkedSignal(options.signal);
    return new WriteCall({ deadline: this.#deadline(options.timeoutMs), bytes, ack, conditions, operations });
  }

  read(keys: readonly Uint8Array[], options: ReadCallOptions): ReadCall {
    const problem = readProblem({ keys });
    if (problem !== undefined) throw new HoldfastError(problem.code, problem.message);
    let bytes = 0;
    for (const key of keys) bytes += key.byteLength;
    checkedSignal(options.signal);
    return new ReadCall({
      deadline: this.#deadline(options.timeoutMs),
      bytes,
      keys,
      ...this.#routing(options),
    });
  }

  /** `bounds`: of stored keys. */
  range(
    options: Omit<RangeOptions, keyof KeyBounds>,
    { gt, gte, lt, lte }: KeyBounds,
    what: { keys: boolean; values: boolean },
  ): RangeRead {
    const { reverse, limit } = options;
    const routing = this.#routing(options);
    const timeoutMs = checkedPositive('timeoutMs', options.timeoutMs) ?? this.#defaults.timeoutMs;
    const open = (range: KeyRange, pageSize: number): ScanCall =>
      new ScanCall({ deadline: this.#deadline(timeoutMs), bytes: 0, range, pageSize, ...routing });
    const range: KeyRange = {
      // As everywhere in abstract-level, the inclusive bound goes before the exclusive one.
      ...(gte !== undefined ? { gte } : gt !== undefined ? { gt } : {}),
      ...(lte !== undefined ? { lte } : lt !== undefined ? { lt } : {}),
      reverse: reverse ?? false,
      limit: limit ?? -1,
      keys: what.keys,
      values: what.values,
    };
    return { range, timeoutMs, open };
  }

  get #defaultAck(): Ack {
    return this.#defaults.ack ?? this.#tenant.defaultAck;
  }

  #deadline(timeoutMs: number | undefined): number {
    return this.#tenant.now() + (checkedPositive('timeoutMs', timeoutMs) ?? this.#defaults.timeoutMs);
  }

  #routing(options: ReadCallOptions): { consistency: Consistency; after: Revision; maxStalenessMs?: number } {
    const consistency = checkedConsistency(options.consistency) ?? this.#defaultConsistency;
    const after = checkedRevision('after', options.after) ?? (0 as Revision);
    const maxStalenessMs = checkedPositive('maxStalenessMs', options.maxStalenessMs);
    return maxStalenessMs === undefined ? { consistency, after } : { consistency, after, maxStalenessMs };
  }

  /** Whoever writes `local` wants to read what was written, which is not committed yet. */
  get #defaultConsistency(): Consistency {
    return this.#defaults.consistency ?? (this.#defaultAck === 'local' ? 'session' : 'linearizable');
  }
}
