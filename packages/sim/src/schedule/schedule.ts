import type { NodeConfig } from '@holdfast/server';
import type { Ack, Consistency } from '@holdfast/types';
import type { Fault } from '../faults/fault-types.ts';
import type { Trigger } from '../faults/trigger.ts';

/**
 * All that happens to a cluster in one run, as data: what it is, what its clients ask, what goes wrong and when. Nodes
 * are called n1, n2 and so on. The same schedule gives the same run, byte for byte.
 */
export interface Schedule {
  /** Of what is not listed: latencies, the times that disks take, jitter of the nodes and clients themselves. */
  readonly seed: number;
  readonly cluster: ClusterSetup;
  /** Clients work and faults strike for so long. */
  readonly workMs: number;
  /** Both begin while the cluster forms. */
  readonly startsEarly: boolean;
  readonly faults: readonly PlannedFault[];
  readonly clients: readonly ClientPlan[];
  /** Who is up in the end and must go on: more than half of the nodes. */
  readonly majority: readonly string[];
  /** The others are up as well then, and cut off for as long as that lasts. Absent: they are down. */
  readonly rest?: Rest;
}

/** Nothing passes between them and all others, they are heard by nobody, or hear nobody. */
export type Rest = 'cut' | 'unheard' | 'deaf';

export interface ClusterSetup {
  readonly nodes: number;
  readonly latencyMs: { readonly min: number; readonly max: number };
  readonly clockDrift: number;
  /** Times that clocks may be faster than time, and slower; absent: they keep its pace. */
  readonly clockSpread?: number;
  /** The same of those of clients. */
  readonly clientClockSpread?: number;
  /** Times that disks take longer than good ones. */
  readonly diskSlowness: number;
  readonly timing: {
    readonly heartbeatMs: number;
    readonly electionTimeoutMs: number;
    readonly persistStallMaxMs: number;
  };
  /** Small ones now and then, so that what lies beyond them is met. */
  readonly limits: Partial<NodeConfig['limits']>;
  readonly tuning: {
    readonly checkpointBytes: number;
    readonly checkpointMs: number;
    readonly walRetainBytes: number;
    /** Absent: a megabyte, which few runs write. */
    readonly walRetainStepBytes?: number;
    readonly diskCheckMs: number;
    readonly reopenBytesMin: number;
  };
  readonly storeBufferBytes: number;
  /** Of the write-ahead log: smaller than a configuration may say, so that runs cross many. */
  readonly segmentBytes: number;
}

/** `atMs`: from the beginning of the work. `upon`: then it waits until that happens. */
export type PlannedFault = { readonly atMs: number; readonly upon?: Trigger } & Fault;

/** What one client does: each thread makes its calls one after the other, the threads go side by side, and watches, too. */
export interface ClientPlan {
  readonly host: string;
  readonly threads: readonly (readonly PlannedCall[])[];
  readonly watches?: readonly PlannedWatch[];
  /** Locks that it takes, one after the other. */
  readonly holdings?: readonly PlannedHolding[];
  /** Leases that it keeps, one after the other. */
  readonly leases?: readonly PlannedLease[];
}

/** A lock is asked for, held for a while, written under, and released. */
export interface PlannedHolding {
  /** From the end of the one before. */
  readonly thinkMs: number;
  readonly lock: string;
  readonly ttlMs: number;
  /** It is given up if it is not had by then. */
  readonly waitMs: number;
  /** It is asked for once, without waiting for who holds it. */
  readonly isOnce?: true;
  readonly holdMs: number;
  /** Spread over the time that it is held. */
  readonly writes: number;
}

/** A lease is asked for, kept for a while, and revoked. */
export interface PlannedLease {
  /** From the end of the one before. */
  readonly thinkMs: number;
  readonly ttlMs: number;
  readonly keepMs: number;
  /** Spread over the time that it is kept. */
  readonly steps: readonly PlannedLeaseStep[];
}

/** With the lease, but for `write` and `remove`: those are done beside it, whoever's the key is. */
export interface PlannedLeaseStep {
  readonly kind: 'put' | 'del' | 'detach' | 'write' | 'remove';
  readonly key: string;
}

/** Lasts until the run is over: what ends before that is begun again from where it had come to. */
export interface PlannedWatch {
  /** From the beginning of the work. */
  readonly atMs: number;
  /** What it begins with: what is there, what came after the newest write that anybody was told of, or what comes. */
  readonly begins: 'state' | 'floor' | 'now';
  /** Bounds; all keys without them. */
  readonly gte?: string;
  readonly lt?: string;
  /** Of its program, before each event that it takes. */
  readonly pauseMs?: number;
  /** So many mutations are taken before it is closed by its program, which goes on with another from its position. */
  readonly eventsMax?: number;
  readonly previousValue?: true;
}

/** `thinkMs`: from the end of the call before. */
export type PlannedCall = {
  readonly thinkMs: number;
  readonly timeoutMs: number;
  /** It is aborted so long after it was made, if it has not ended by then. */
  readonly abortMs?: number;
} & (
  | PlannedWrite
  | PlannedIncrement
  | PlannedRenewal
  | PlannedRead
  | PlannedRange
  | PlannedSnapshot
  | PlannedClear
);

export interface PlannedWrite {
  readonly kind: 'write';
  /** All in one request. The values are made up in the run, each used once. */
  readonly keys: readonly string[];
  readonly ack: Ack;
  readonly isDelete?: true;
  /** Of all keys. */
  readonly ttlMs?: number;
  /** Bytes of the value beyond what makes it different. */
  readonly padding?: number;
  /** Through the methods of abstract-level, which tell no revision. */
  readonly isPlain?: true;
  /** Only if the key is absent, or as this client saw it last. */
  readonly onlyIf?: 'absent' | 'asSeen';
}

export interface PlannedIncrement {
  readonly kind: 'increment';
  readonly key: string;
  readonly by: number;
  /** Absent: at `quorum`. */
  readonly ack?: 'all';
}

/** Another time to live for what the key has. */
export interface PlannedRenewal {
  readonly kind: 'renewal';
  readonly key: string;
  /** Absent: it stays. */
  readonly ttlMs?: number;
}

export interface PlannedRead {
  readonly kind: 'read';
  /** Several: at one moment. */
  readonly keys: readonly string[];
  readonly consistency: Consistency;
  /** Of an eventual one. */
  readonly maxStalenessMs?: number;
  /** An older state of a stated age will do where the one that is wanted cannot be had. */
  readonly mayDegrade?: true;
  /** With the token that another client has handed on. */
  readonly afterOther?: true;
}

/** Every key there is, of the namespace or without one. */
export interface PlannedRange {
  readonly kind: 'range';
  readonly consistency: Consistency;
  readonly reverse: boolean;
  readonly isNamespace?: true;
  /** As of a read. */
  readonly afterOther?: true;
  /** It is read some entries at a time, with so much time between them. */
  readonly pauseMs?: number;
}

/** Several reads of one snapshot, one after the other. */
export interface PlannedSnapshot {
  readonly kind: 'snapshot';
  readonly consistency: Consistency;
  /** A key, several at once, or all. */
  readonly reads: readonly (readonly string[] | 'all')[];
  /** Before each of them. */
  readonly pauseMs: number;
  /** As of a read. */
  readonly afterOther?: true;
}

/** All keys of the namespace are deleted. */
export interface PlannedClear {
  readonly kind: 'clear';
}
