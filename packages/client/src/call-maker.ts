import {
  type Ack,
  boundBytes,
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
  readonly maxStalenessMs: number | undefined;
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
    const ack = this.#ack(options);
    checkedSignal(options.signal);
    const deadline = this.#deadline(options);
    return this.#choosing(new WriteCall({ deadline, bytes, ack, conditions, operations }), options);
  }

  transaction(
    { conditions, operations, otherwise }: EncodedTransaction,
    options: WriteCallOptions,
  ): WriteCall {
    const bytes = checkedBytes({ operations, conditions, otherwise });
    const ack = this.#ack(options);
    checkedSignal(options.signal);
    const deadline = this.#deadline(options);
    return this.#choosing(
      new WriteCall({ deadline, bytes, ack, conditions, operations, otherwise }),
      options,
    );
  }

  clear(clear: RangeClearing, options: WriteCallOptions): WriteCall {
    const ack = this.#ack(options);
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
    // Named one by one: a spread looks each field up anew, with every read.
    const { consistency, after, readPreference, mayDegrade, maxStalenessMs } = this.#routing(options);
    const call = new ReadCall({
      deadline,
      bytes,
      keys,
      consistency,
      after,
      readPreference,
      mayDegrade,
      maxStalenessMs,
    });
    return this.#choosing(call, options);
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
    const { consistency: named } = options;
    return () => {
      const deadline = this.#deadline({ timeoutMs });
      const consistency = this.#consistency(named);
      const call = new SnapshotCall({ deadline, bytes: 0, ...routing, consistency });
      call.whenNoPrimary = whenNoPrimary;
      return this.#leftToNodes(call, named);
    };
  }

  /** Makes a call that opens a range read, its deadline counted from now. */
  scan(options: ReadCallOptions): (range: KeyRange, pageSize: number) => ScanCall {
    const routing = this.#routing(options);
    const timeoutMs = this.timeoutMs(options);
    const whenNoPrimary = this.#whenNoPrimary(options);
    const { consistency: named } = options;
    return (range, pageSize) => {
      const deadline = this.#deadline({ timeoutMs });
      const consistency = this.#consistency(named);
      const call = new ScanCall({
        deadline,
        bytes: boundBytes(range),
        range,
        pageSize,
        ...routing,
        consistency,
      });
      call.whenNoPrimary = whenNoPrimary;
      return this.#leftToNodes(call, named);
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
      const bytes = boundBytes(what.range);
      return new WatchCall({ deadline, bytes, ...routing, ...what, from, credit, sink });
    };
  }

  timeoutMs(options: CallOptions): number {
    return checkedPositive('timeoutMs', options.timeoutMs) ?? this.#defaults.timeoutMs;
  }

  /** Of a write that names none; undefined: left to the nodes, none of which has told it yet. */
  get defaultAck(): Ack | undefined {
    return this.#defaults.ack ?? this.#tenant.defaultAck;
  }

  #deadline(options: CallOptions & { readonly [DEADLINE]?: number }): number {
    return options[DEADLINE] ?? this.#tenant.now() + this.timeoutMs(options);
  }

  #routing(options: ReadCallOptions): Routing {
    const named = checkedConsistency(options.consistency);
    const consistency = this.#consistency(named);
    const after = checkedRevision('after', options.after) ?? (0 as Revision);
    // A call that names its consistency has said what it needs: it degrades only if it says that, too.
    const unsaid = named === undefined ? this.#defaults.degrade : undefined;
    const degrade = checkedDegrade(options.degrade) ?? unsaid;
    const mayDegrade = degrade === 'stale-reads' && consistency !== 'eventual';
    const bound = checkedPositive('maxStalenessMs', options.maxStalenessMs) ?? this.#defaults.maxStalenessMs;
    const readPreference =
      checkedReadPreference(options.readPreference) ?? this.#defaults.readPreference ?? 'primary';
    const isBounded = mayDegrade || consistency === 'eventual';
    const maxStalenessMs = isBounded ? bound : undefined;
    return { consistency, after, readPreference, mayDegrade, maxStalenessMs };
  }

  #choosing<Made extends AnyCall>(call: Made, options: WriteCallOptions & ReadCallOptions): Made {
    call.whenNoPrimary = this.#whenNoPrimary(options);
    return this.#leftToNodes(call, call.kind === 'write' ? options.ack : options.consistency);
  }

  /** What it goes by unless it names something, no node may have told yet. */
  #leftToNodes<Made extends AnyCall>(call: Made, named: Ack | Consistency | undefined): Made {
    if (named !== undefined || this.defaultAck !== undefined) return call;
    if (call.kind === 'write') {
      call.onDefaultAck = (told) => {
        call.ack = told;
      };
    } else if (call.kind !== 'bound' && this.#defaults.consistency === undefined) {
      call.onDefaultAck = (told) => {
        call.consistency = consistencyBeside(told);
      };
    }
    return call;
  }

  #whenNoPrimary(options: CallOptions): WhenNoPrimary {
    return checkedWhenNoPrimary(options.whenNoPrimary) ?? this.#defaults.whenNoPrimary ?? 'wait';
  }

  #ack(options: WriteCallOptions): Ack {
    return checkedAck(options.ack) ?? this.defaultAck ?? 'quorum';
  }

  #consistency(named: Consistency | undefined): Consistency {
    return named ?? this.#defaults.consistency ?? consistencyBeside(this.defaultAck);
  }
}

/** Whoever writes `local` wants to read what was written, which is not committed yet. */
function consistencyBeside(ack: Ack | undefined): Consistency {
  return ack === 'local' ? 'session' : 'linearizable';
}

/** Throws at once for what a node would refuse anyway. Returns their bytes. */
function checkedKeys(keys: readonly Uint8Array[]): number {
  const problem = readProblem({ keys });
  if (problem !== undefined) throw new HoldfastError(problem.code, problem.message);
  let bytes = 0;
  for (const key of keys) bytes += key.byteLength;
  return bytes;
}
