import {
  type Ack,
  type Condition,
  type Consistency,
  HoldfastError,
  type KeyRange,
  type Operation,
  type RangeClearing,
  type Revision,
} from '@holdfast/types';
import { readProblem } from '@holdfast/wire';
import {
  type CallDefaults,
  type CallOptions,
  checkedAck,
  checkedConsistency,
  checkedDegrade,
  checkedPositive,
  checkedReadPreference,
  checkedRevision,
  checkedSignal,
  checkedWhenNoPrimary,
  DEADLINE,
  type ReadCallOptions,
  type WriteCallOptions,
} from './options.ts';
import {
  type AnyCall,
  ReadCall,
  ScanCall,
  SnapshotCall,
  type SnapshotHome,
  SnapshotReadCall,
  WatchCall,
  type WhenNoPrimary,
  WriteCall,
} from './session/call.ts';
import type { ReadPreference } from './session/read-routes.ts';
import type { Tenant } from './tenant.ts';
import type { EncodedTransaction } from './transaction.ts';
import type { WatchPosition } from './watch/watch-stream.ts';
import { checkedBytes, NO_CONDITIONS } from './write-request.ts';

const NO_OPERATIONS: readonly Operation[] = [];

/** Which state is wanted, and of whom. */
interface Routing {
  readonly consistency: Consistency;
  readonly after: Revision;
  readonly readPreference: ReadPreference;
  readonly mayDegrade: boolean;
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
    const bytes = checkedBytes({ operations, conditions });
    const ack = checkedAck(options.ack) ?? this.defaultAck;
    checkedSignal(options.signal);
    const deadline = this.#deadline(options);
    return this.#choosing(new WriteCall({ deadline, bytes, ack, conditions, operations }), options);
  }

  transaction(
    { conditions, operations, otherwise }: EncodedTransaction,
    options: WriteCallOptions,
  ): WriteCall {
    const bytes = checkedBytes({ operations, conditions, otherwise });
    const ack = checkedAck(options.ack) ?? this.defaultAck;
    checkedSignal(options.signal);
    const deadline = this.#deadline(options);
    return this.#choosing(
      new WriteCall({ deadline, bytes, ack, conditions, operations, otherwise }),
      options,
    );
  }

  clear(clear: RangeClearing, options: WriteCallOptions): WriteCall {
    const ack = checkedAck(options.ack) ?? this.defaultAck;
    checkedSignal(options.signal);
    // Each piece has the time of the whole to itself.
    const deadline = this.#deadline({ timeoutMs: options.timeoutMs });
    const bytes = checkedBytes({ operations: NO_OPERATIONS, conditions: NO_CONDITIONS, clear });
    return this.#choosing(
      new WriteCall({ deadline, bytes, ack, conditions: NO_CONDITIONS, operations: NO_OPERATIONS, clear }),
      options,
    );
  }

  read(keys: readonly Uint8Array[], options: ReadCallOptions): ReadCall {
    const bytes = checkedKeys(keys);
    checkedSignal(options.signal);
    const deadline = this.#deadline(options);
    return this.#choosing(new ReadCall({ deadline, bytes, keys, ...this.#routing(options) }), options);
  }

  /** A read of the same keys from a snapshot that is held. */
  snapshotRead(
    keys: readonly Uint8Array[],
    options: ReadCallOptions,
    snapshot: SnapshotHome,
  ): SnapshotReadCall {
    const bytes = checkedKeys(keys);
    checkedSignal(options.signal);
    return new SnapshotReadCall({ deadline: this.#deadline(options), bytes, snapshot, keys });
  }

  /** Makes a call that takes a snapshot, its deadline counted from now. */
  snapshot(options: ReadCallOptions): () => SnapshotCall {
    const routing = this.#routing(options);
    const timeoutMs = this.timeoutMs(options);
    const whenNoPrimary = this.#whenNoPrimary(options);
    return () => {
      const call = new SnapshotCall({ deadline: this.#deadline({ timeoutMs }), bytes: 0, ...routing });
      call.whenNoPrimary = whenNoPrimary;
      return call;
    };
  }

  /** Makes a call that opens a range read, its deadline counted from now. */
  scan(options: ReadCallOptions): (range: KeyRange, pageSize: number) => ScanCall {
    const routing = this.#routing(options);
    const timeoutMs = this.timeoutMs(options);
    const whenNoPrimary = this.#whenNoPrimary(options);
    return (range, pageSize) => {
      const deadline = this.#deadline({ timeoutMs });
      const call = new ScanCall({ deadline, bytes: 0, range, pageSize, ...routing });
      call.whenNoPrimary = whenNoPrimary;
      return call;
    };
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
      // It waits through outages anyway; and what it tells is never a guess.
      const { readPreference } = options;
      const routing = this.#routing({ readPreference, consistency, after: from, degrade: 'none' });
      const deadline = this.#deadline({ timeoutMs });
      return new WatchCall({ deadline, bytes: 0, ...routing, ...what, from, credit, sink });
    };
  }

  timeoutMs(options: CallOptions): number {
    return checkedPositive('timeoutMs', options.timeoutMs) ?? this.#defaults.timeoutMs;
  }

  get defaultAck(): Ack {
    return this.#defaults.ack ?? this.#tenant.defaultAck;
  }

  #deadline(options: CallOptions & { readonly [DEADLINE]?: number }): number {
    return options[DEADLINE] ?? this.#tenant.now() + this.timeoutMs(options);
  }

  #routing(options: ReadCallOptions): Routing {
    const named = checkedConsistency(options.consistency);
    const consistency = named ?? this.#defaultConsistency;
    const after = checkedRevision('after', options.after) ?? (0 as Revision);
    // A call that names its consistency has said what it needs: it degrades only if it says that, too.
    const unsaid = named === undefined ? this.#defaults.degrade : undefined;
    const degrade = checkedDegrade(options.degrade) ?? unsaid;
    const mayDegrade = degrade === 'stale-reads' && consistency !== 'eventual';
    const bound = checkedPositive('maxStalenessMs', options.maxStalenessMs) ?? this.#defaults.maxStalenessMs;
    const readPreference =
      checkedReadPreference(options.readPreference) ?? this.#defaults.readPreference ?? 'primary';
    const routing = { consistency, after, readPreference, mayDegrade };
    const isBounded = bound !== undefined && (mayDegrade || consistency === 'eventual');
    return isBounded ? { ...routing, maxStalenessMs: bound } : routing;
  }

  #choosing<Made extends AnyCall>(call: Made, options: CallOptions): Made {
    call.whenNoPrimary = this.#whenNoPrimary(options);
    return call;
  }

  #whenNoPrimary(options: CallOptions): WhenNoPrimary {
    return checkedWhenNoPrimary(options.whenNoPrimary) ?? this.#defaults.whenNoPrimary ?? 'wait';
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
