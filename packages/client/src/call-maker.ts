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
import {
  type CallDefaults,
  type CallOptions,
  checkedAck,
  checkedConsistency,
  checkedPositive,
  checkedReadPreference,
  checkedRevision,
  checkedSignal,
  type ReadCallOptions,
  type WriteCallOptions,
} from './options.ts';
import {
  ReadCall,
  ScanCall,
  SnapshotCall,
  type SnapshotHome,
  SnapshotReadCall,
  WatchCall,
  WriteCall,
} from './session/call.ts';
import type { ReadPreference } from './session/read-routes.ts';
import type { Tenant } from './tenant.ts';
import type { EncodedTransaction } from './transaction.ts';
import type { WatchPosition } from './watch/watch-stream.ts';
import { checkedBytes, NO_CONDITIONS } from './write-request.ts';

/** Which state is wanted, and of whom. */
interface Routing {
  readonly consistency: Consistency;
  readonly after: Revision;
  readonly readPreference: ReadPreference;
  readonly maxStalenessMs?: number;
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
    const ack = checkedAck(options.ack) ?? this.defaultAck;
    checkedSignal(options.signal);
    return new WriteCall({ deadline: this.#deadline(options.timeoutMs), bytes, ack, conditions, operations });
  }

  transaction(
    { conditions, operations, otherwise }: EncodedTransaction,
    options: WriteCallOptions,
  ): WriteCall {
    const bytes = checkedBytes(operations, conditions, otherwise);
    const ack = checkedAck(options.ack) ?? this.defaultAck;
    checkedSignal(options.signal);
    const deadline = this.#deadline(options.timeoutMs);
    return new WriteCall({ deadline, bytes, ack, conditions, operations, otherwise });
  }

  read(keys: readonly Uint8Array[], options: ReadCallOptions): ReadCall {
    const bytes = checkedKeys(keys);
    checkedSignal(options.signal);
    return new ReadCall({
      deadline: this.#deadline(options.timeoutMs),
      bytes,
      keys,
      ...this.#routing(options),
    });
  }

  /** A read of the same keys from a snapshot that is held. */
  snapshotRead(
    keys: readonly Uint8Array[],
    options: ReadCallOptions,
    snapshot: SnapshotHome,
  ): SnapshotReadCall {
    const bytes = checkedKeys(keys);
    checkedSignal(options.signal);
    return new SnapshotReadCall({ deadline: this.#deadline(options.timeoutMs), bytes, snapshot, keys });
  }

  /** Makes a call that takes a snapshot, its deadline counted from now. */
  snapshot(options: ReadCallOptions): () => SnapshotCall {
    const routing = this.#routing(options);
    const timeoutMs = this.timeoutMs(options);
    return () => new SnapshotCall({ deadline: this.#deadline(timeoutMs), bytes: 0, ...routing });
  }

  /** Makes a call that opens a range read, its deadline counted from now. */
  scan(options: ReadCallOptions): (range: KeyRange, pageSize: number) => ScanCall {
    const routing = this.#routing(options);
    const timeoutMs = this.timeoutMs(options);
    return (range, pageSize) =>
      new ScanCall({ deadline: this.#deadline(timeoutMs), bytes: 0, range, pageSize, ...routing });
  }

  /** Makes calls that open a watch, each with its deadline counted from when it is made. */
  watch(
    options: Pick<ReadCallOptions, 'readPreference' | 'timeoutMs'>,
    what: Pick<WatchCall, 'range' | 'previousValues'>,
  ): (position: WatchPosition) => WatchCall {
    const timeoutMs = this.timeoutMs(options);
    return ({ from, credit, sink }) => {
      // From a position on any node may tell, once it has applied that; what is now only the primary knows.
      const consistency = from === undefined ? 'linearizable' : 'session';
      const routing = this.#routing({ readPreference: options.readPreference, consistency, after: from });
      const deadline = this.#deadline(timeoutMs);
      return new WatchCall({ deadline, bytes: 0, ...routing, ...what, from, credit, sink });
    };
  }

  timeoutMs(options: CallOptions): number {
    return checkedPositive('timeoutMs', options.timeoutMs) ?? this.#defaults.timeoutMs;
  }

  get defaultAck(): Ack {
    return this.#defaults.ack ?? this.#tenant.defaultAck;
  }

  #deadline(timeoutMs: number | undefined): number {
    return this.#tenant.now() + (checkedPositive('timeoutMs', timeoutMs) ?? this.#defaults.timeoutMs);
  }

  #routing(options: ReadCallOptions): Routing {
    const consistency = checkedConsistency(options.consistency) ?? this.#defaultConsistency;
    const after = checkedRevision('after', options.after) ?? (0 as Revision);
    const maxStalenessMs = checkedPositive('maxStalenessMs', options.maxStalenessMs);
    const readPreference =
      checkedReadPreference(options.readPreference) ?? this.#defaults.readPreference ?? 'primary';
    const routing = { consistency, after, readPreference };
    return maxStalenessMs === undefined ? routing : { ...routing, maxStalenessMs };
  }

  /** Whoever writes `local` wants to read what was written, which is not committed yet. */
  get #defaultConsistency(): Consistency {
    return this.#defaults.consistency ?? (this.defaultAck === 'local' ? 'session' : 'linearizable');
  }
}

/** Throws at once for what a node would refuse anyway. Returns their bytes. */
function checkedKeys(keys: readonly Uint8Array[]): number {
  const problem = readProblem({ keys });
  if (problem !== undefined) throw new HoldfastError(problem.code, problem.message);
  let bytes = 0;
  for (const key of keys) bytes += key.byteLength;
  return bytes;
}
