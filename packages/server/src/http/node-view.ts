import type { PeerStatus, Role, SequenceKind } from '@holdfast/core';
import type { DivergedEntry, DivergedSummary } from '@holdfast/store';
import type {
  Ack,
  BootId,
  Clock,
  ClusterId,
  DiskId,
  Exclusion,
  Lane,
  LogIndex,
  NodeId,
  Position,
  Revision,
  SessionId,
  Term,
} from '@holdfast/types';
import type { LaneLoad } from '../clients/lane-load.ts';
import type { EventRing } from '../events/event-ring.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import type { AccessDecision, AccessRequest } from './access-policy.ts';

/** What `/v1/status` answers. Fields are only ever added. */
export interface NodeStatus {
  readonly id: NodeId;
  /** Where clients reach it: ws://host:port. */
  readonly url: string;
  readonly zone?: string;
  readonly role: Role;
  readonly term: Term;
  readonly primary?: NodeId;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly durable: LogIndex;
  readonly last: Position;
  /** Newest revision applied. */
  readonly revision: Revision;
  readonly pid: number;
  readonly cluster?: ClusterId;
  readonly disk: DiskId;
  readonly boot: BootId;
  readonly uptimeMs: number;
  /** Serves reads, and has a primary to send writes to. */
  readonly ready: boolean;
  /** Why it is not ready, for a person. */
  readonly notReadyReason?: string;
  /** A primary that admits writes: its opening entry is applied and it has majority contact. */
  readonly admitting: boolean;
  /** May answer reads: replay after the start is done. */
  readonly serving: boolean;
  readonly exclusion?: Exclusion;
  /** Of the primary: the progress of each standby. */
  readonly peers: readonly PeerStatus[];
  /** Writes acknowledged in this run, by the level reached. */
  readonly acknowledged: Readonly<Record<Ack, number>>;
  readonly sessions: number;
  /** Client connections. */
  readonly connections: number;
  /** Open watches, events told to them since the start, and entries that the slowest one is behind. */
  readonly watches: { readonly watches: number; readonly events: number; readonly lagEntries: number };
  /** Requests admitted and not yet logged. */
  readonly queued: number;
  /** Share of new writes and reads that is refused, because those that are here wait too long. */
  readonly shedding: { readonly writes: number; readonly reads: number };
  /** How full the lanes are that the requests of clients are kept apart in. */
  readonly lanes: Readonly<Record<Lane, LaneLoad>>;
  readonly defaultAck: Ack;
  readonly wal: { readonly segments: number; readonly bytes: number };
  /**
   * `pending`: superseded, and not judged or not filed yet. `damagedBytes`: of the file of what failovers took away, what
   * could not be read when the node started.
   */
  readonly divergence: { readonly filed: number; readonly pending: number; readonly damagedBytes: number };
}

export interface NodeDigest {
  readonly applied: Position;
  readonly revision: Revision;
  /** Lower-case hexadecimal, over key, value and revision of every record in order. */
  readonly digest: string;
  readonly keys: number;
}

/** Writes that lost an election. Answers are sent as JSON; byte strings in them as base64 text. */
export interface DivergenceView {
  list(): readonly DivergedSummary[];
  show(id: string): Promise<DivergedEntry | undefined>;
  /** Durable when it resolves; false when there is no such id. */
  discard(id: string): Promise<boolean>;
}

/** A client's call, as its session numbers it. */
export interface CallName {
  readonly session: SessionId;
  readonly sequence: number;
}

/** What the sessions say of calls, at a position. */
export interface NodeResults {
  /** Newest revision applied: whatever that state holds is told. */
  readonly revision: Revision;
  /** In the order asked for. */
  readonly results: readonly SequenceKind[];
}

/** What the HTTP routes see of a node. */
export interface NodeView {
  readonly clock: Clock;
  readonly events: EventRing;
  readonly metrics: NodeMetrics;
  readonly divergence: DivergenceView;
  status(): NodeStatus;
  digest(): Promise<NodeDigest>;
  /** Throws HOLDFAST_NOT_READY while the node may know less than before its restart. */
  results(calls: readonly CallName[]): NodeResults;
  /** Hands the primary role to `target`, or to the best standby; rejects with a HoldfastError. */
  switchover(target?: NodeId): Promise<void>;
  /** The same decision that guards the WebSocket upgrade. */
  isAllowed(request: AccessRequest): AccessDecision;
}
