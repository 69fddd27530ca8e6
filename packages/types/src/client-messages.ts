import type { ClusterId, DatabaseUid, LogIndex, NodeId, Revision, SessionId, Term } from './brands.ts';
import type { Ack, WriteResult } from './entry.ts';
import type { ErrorCode, Outcome } from './errors.ts';
import type { RequestTrace } from './tracing.ts';

export type Consistency = 'linearizable' | 'session' | 'eventual';

/** Checked against the newest state before a write; all must hold. `revision` 0 as `atMost` means absent. */
export type Condition =
  | { readonly kind: 'revision'; readonly key: Uint8Array; readonly revision: Revision }
  | { readonly kind: 'absent'; readonly key: Uint8Array }
  | { readonly kind: 'atMost'; readonly key: Uint8Array; readonly revision: Revision }
  | { readonly kind: 'present'; readonly key: Uint8Array }
  /** The key has exactly this value. */
  | { readonly kind: 'value'; readonly key: Uint8Array; readonly value: Uint8Array };

/**
 * One step of a write. Outside a transaction an `increment` must be the only operation of its request, and there is
 * no `get` and no `expire`: only the result of a transaction has room for what each step came to.
 */
export type Operation =
  | {
      readonly kind: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      /** Whole milliseconds, from 1: the key is deleted after that, not before. Absent: it stays. */
      readonly ttlMs?: number;
    }
  | { readonly kind: 'del'; readonly key: Uint8Array }
  /** What it counts expires when it did before. */
  | { readonly kind: 'increment'; readonly key: Uint8Array; readonly by: number }
  | { readonly kind: 'get'; readonly key: Uint8Array }
  /** The key, with the value it has, lives so long from now on; without `ttlMs`: stays. */
  | { readonly kind: 'expire'; readonly key: Uint8Array; readonly ttlMs?: number };

/**
 * Deletes the first keys of a range, counted in its direction, that have not been written since: as many as one write
 * may, and the result tells where the next one goes on.
 */
export interface RangeClearing extends WatchedRange {
  readonly reverse: boolean;
  /** Keys that may be deleted at most, from 1; -1: no limit. */
  readonly limit: number;
  /** Of the state that is to be cleared: a key with a newer revision stays. */
  readonly upTo: Revision;
}

/** Bytes of the keys that bound a range. */
export function boundBytes({ gt, gte, lt, lte }: WatchedRange): number {
  let bytes = 0;
  for (const bound of [gt, gte, lt, lte]) bytes += bound?.byteLength ?? 0;
  return bytes;
}

export interface WriteRequest {
  /** Unique among the pending requests of its connection; answers name it. */
  readonly id: number;
  readonly sequence: number;
  readonly ack: Ack;
  /** Milliseconds left of the caller's deadline when it was sent. */
  readonly remainingMs: number;
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  /**
   * Makes it a transaction: `operations` if all conditions hold, these otherwise. A condition that fails is then no
   * conflict but the other branch, and the result tells what each step came to.
   */
  readonly otherwise?: readonly Operation[];
  /** Instead of operations and conditions, of which there are none then. */
  readonly clear?: RangeClearing;
}

/** Bounds of a range read over raw keys. */
export interface KeyRange {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly reverse: boolean;
  /** -1: no limit. */
  readonly limit: number;
  readonly keys: boolean;
  readonly values: boolean;
}

/** Of raw keys; of two bounds on one side the inclusive one goes before. */
export type WatchedRange = Pick<KeyRange, 'gt' | 'gte' | 'lt' | 'lte'>;

export interface ReadRequest {
  readonly id: number;
  readonly consistency: Consistency;
  readonly remainingMs: number;
  readonly keys: readonly Uint8Array[];
  /** Session token: the state read must hold this revision. */
  readonly token: Revision;
  /** Only for `eventual`: refuse when older, milliseconds. */
  readonly maxStalenessMs?: number;
}

/** Messages of a client, many to a frame. */
export type ClientMessage =
  | {
      readonly kind: 'hello';
      readonly protocol: number;
      readonly database: string;
      readonly cluster?: ClusterId;
      readonly name: string;
    }
  | { readonly kind: 'openSession'; readonly id: number; readonly remainingMs: number }
  | { readonly kind: 'closeSession'; readonly id: number; readonly session: SessionId }
  | {
      readonly kind: 'write';
      readonly session: SessionId;
      readonly floor: number;
      readonly requests: readonly WriteRequest[];
    }
  | { readonly kind: 'read'; readonly reads: readonly ReadRequest[] }
  | {
      readonly kind: 'scanOpen';
      readonly id: number;
      readonly consistency: Consistency;
      readonly remainingMs: number;
      readonly token: Revision;
      readonly maxStalenessMs?: number;
      readonly range: KeyRange;
      /** Most entries in the first page. */
      readonly pageSize: number;
      /** The snapshot opened under that id, instead of one taken now. */
      readonly snapshot?: number;
    }
  /** Next page of the scan opened under `scan`; `seek` moves first. */
  | {
      readonly kind: 'scanNext';
      readonly id: number;
      readonly remainingMs: number;
      readonly scan: number;
      readonly pageSize: number;
      readonly seek?: Uint8Array;
    }
  | { readonly kind: 'scanClose'; readonly scan: number }
  | { readonly kind: 'ping'; readonly id: number }
  /** Keeps a state for later reads, until it is closed, or idle for too long. Answered by `snapshotOpened`. */
  | {
      readonly kind: 'snapshotOpen';
      readonly id: number;
      readonly consistency: Consistency;
      readonly remainingMs: number;
      readonly token: Revision;
      readonly maxStalenessMs?: number;
    }
  /** Reads the snapshot opened under `snapshot`; answered like any read. */
  | {
      readonly kind: 'snapshotRead';
      readonly id: number;
      readonly remainingMs: number;
      readonly snapshot: number;
      readonly keys: readonly Uint8Array[];
    }
  | { readonly kind: 'snapshotClose'; readonly snapshot: number }
  /**
   * Follows what is committed. Answered by `watchOpened`, then by `watchEvents` for as long as there is credit, until
   * `watchClose`, or `failed` with its id.
   */
  | {
      readonly kind: 'watchOpen';
      readonly id: number;
      readonly consistency: Consistency;
      readonly remainingMs: number;
      /** `from`, if there is one. */
      readonly token: Revision;
      readonly maxStalenessMs?: number;
      readonly range: WatchedRange;
      /** Tell what came after this revision; absent: what comes after the state that is newest when it is let through. */
      readonly from?: Revision;
      readonly previousValues: boolean;
      /** Bytes of events that may be sent before more are allowed; one more event may go beyond. */
      readonly credit: number;
    }
  | { readonly kind: 'watchCredit'; readonly watch: number; readonly bytes: number }
  | { readonly kind: 'watchClose'; readonly watch: number }
  /** Of the sampled requests that follow in the same frame. Has no effect but spans, and no answer. */
  | { readonly kind: 'trace'; readonly traces: readonly RequestTrace[] };

/** A node as clients see it. */
export interface TopologyNode {
  readonly id: NodeId;
  readonly url: string;
  readonly zone?: string;
}

export interface Topology {
  readonly term: Term;
  /** Absent while nobody is known to be primary. */
  readonly primary?: NodeId;
  readonly nodes: readonly TopologyNode[];
}

export interface WriteReceipt {
  readonly result: WriteResult;
  readonly term: Term;
  readonly index: LogIndex;
  /** The level reached. */
  readonly ack: Ack;
  /** Voters known to hold it durably. */
  readonly copies: number;
  /** An earlier attempt of the same (session, sequence) was the one that wrote. */
  readonly repeated: boolean;
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  /** Code-specific: CONFLICT: the current revision; SESSION_DIVERGED: the newest surviving one; ACK_NOT_REACHED: copies. */
  readonly detail?: number;
}

export interface ReadItem {
  readonly value: Uint8Array;
  readonly revision: Revision;
  /** It lives at least so long from the answer on, milliseconds; 0: it is due. Absent: it does not expire. */
  readonly ttlMs?: number;
}

export interface ReadAnswer {
  /** In the order of the asked keys; undefined where there is no such key. */
  readonly items: readonly (ReadItem | undefined)[];
  /** Of the state read. */
  readonly revision: Revision;
  /** Milliseconds; 0 for linearizable; -1 when unknown. */
  readonly stalenessMs: number;
}

export type WriteReply =
  | { readonly id: number; readonly receipt: WriteReceipt }
  | { readonly id: number; readonly error: WireError };

export type ReadReply =
  | { readonly id: number; readonly answer: ReadAnswer }
  | { readonly id: number; readonly error: WireError };

/** A committed mutation, told to a watch. */
export type WatchEvent = {
  readonly key: Uint8Array;
  readonly revision: Revision;
  /** It is the last of its write that this watch is told. */
  readonly endsWrite: boolean;
  /** What the key held just before; null: nothing. Absent: not asked for. */
  readonly previous?: Uint8Array | null;
} & ({ readonly kind: 'put'; readonly value: Uint8Array } | { readonly kind: 'del' });

/** What an event takes of the credit of its watch, in bytes. */
export function watchEventBytes(event: WatchEvent): number {
  const value = event.kind === 'put' ? event.value.byteLength : 0;
  return WATCH_EVENT_BYTES + event.key.byteLength + value + (event.previous?.byteLength ?? 0);
}

const WATCH_EVENT_BYTES = 32;

/** Messages of a node to a client, many to a frame. */
export type ServerMessage =
  | {
      readonly kind: 'welcome';
      readonly protocol: number;
      readonly cluster?: ClusterId;
      readonly database: DatabaseUid;
      readonly node: NodeId;
      readonly defaultAck: Ack;
      readonly topology: Topology;
    }
  | { readonly kind: 'topology'; readonly topology: Topology }
  | { readonly kind: 'sessionOpened'; readonly id: number; readonly session: SessionId }
  | { readonly kind: 'sessionClosed'; readonly id: number }
  | { readonly kind: 'writeReplies'; readonly replies: readonly WriteReply[] }
  | { readonly kind: 'readReplies'; readonly replies: readonly ReadReply[] }
  | {
      readonly kind: 'scanPage';
      readonly id: number;
      /** Alternating raw keys and values (empty where not asked for). */
      readonly records: readonly Uint8Array[];
      readonly done: boolean;
      readonly revision: Revision;
      readonly stalenessMs: number;
    }
  | { readonly kind: 'pong'; readonly id: number }
  /** Answer to any request with an id that failed (openSession, scan, …), or id 0: about the connection, which is then closed. */
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError }
  | {
      readonly kind: 'snapshotOpened';
      readonly id: number;
      readonly revision: Revision;
      readonly stalenessMs: number;
    }
  /**
   * The state of the scan opened under that id is held, while its first page has to wait: what is written from now on is
   * not in it. Said only if the page takes a while.
   */
  | { readonly kind: 'scanOpened'; readonly id: number; readonly revision: Revision }
  /** What came after `revision` will be told. */
  | { readonly kind: 'watchOpened'; readonly id: number; readonly revision: Revision }
  | {
      readonly kind: 'watchEvents';
      readonly id: number;
      /** Of all of the events. */
      readonly term: Term;
      /** In log order. None: a mark of how far the watch has come. */
      readonly events: readonly WatchEvent[];
      /** Everything in the range up to here has been told. */
      readonly revision: Revision;
    };
