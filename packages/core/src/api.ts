import type {
  Ack,
  BootId,
  ClusterId,
  Condition,
  DiskId,
  Entry,
  Exclusion,
  Genesis,
  LogIndex,
  NodeId,
  Operation,
  PeerMessage,
  Position,
  RangeClearing,
  Revision,
  SessionId,
  SessionRecord,
  StoredRecord,
  StoreState,
  Term,
  TermStart,
  Ticket,
  WireError,
  WriteReceipt,
} from '@holdfast/types';
import type { SequenceState } from './state/sessions/session-table.ts';

/** What is known of one call of a client. `done`: it was carried out, or refused, by the log that won. */
export type SequenceKind = SequenceState['kind'];

/** All times are milliseconds of the monotonic clock of this node. */
export interface CoreTiming {
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
  /** How much later each further rank of successor stands. */
  readonly rankStepMs: number;
  /** Between repeated pre-votes while refused for stickiness alone. */
  readonly preVoteRepeatMs: number;
  /** Oldest persist outstanding longer than this: hand over or resign. */
  readonly persistStallMaxMs: number;
}

/** Bounds the core keeps; see LIMITS for defaults. */
export interface CoreLimits {
  readonly entryBytesMax: number;
  readonly entryRequestsMax: number;
  readonly peerWindowEntries: number;
  readonly peerWindowBytes: number;
  readonly logCacheBytesMax: number;
  readonly admitQueueRequestsMax: number;
  readonly admitQueueBytesMax: number;
  readonly unappliedBytesMax: number;
  readonly asyncLagBytesMax: number;
  readonly asyncLagMsMax: number;
  readonly asyncWaitersMax: number;
  readonly pendingReadsMax: number;
  readonly shedQueueMs: number;
  readonly shedLoopMs: number;
  readonly sessionWindow: number;
  readonly sessionResultBytesMax: number;
  readonly sessionsMax: number;
  readonly sessionIdleMs: number;
  readonly expiriesPerEntryMax: number;
  readonly clearKeysMax: number;
}

export interface CoreConfig {
  readonly self: NodeId;
  readonly disk: DiskId;
  /** All voters, this node included. */
  readonly voters: readonly NodeId[];
  /** Database this core replicates. */
  readonly database: string;
  readonly timing: CoreTiming;
  readonly limits: CoreLimits;
  readonly seed: number;
  /** Random names to use if this node is the one to make the genesis: 32 hexadecimal digits each. */
  readonly genesisNames: { readonly cluster: string; readonly database: string };
}

/** Term and vote: one value, persisted together. */
export interface HardState {
  readonly term: Term;
  readonly votedFor?: NodeId;
}

/** What the write-ahead log proves after recovery. */
export interface RecoveredLog {
  readonly hardState: HardState;
  /** Known committed at least up to here. */
  readonly commitFloor: LogIndex;
  /** Newest ticket found; the next persist takes the one after. */
  readonly ticket: Ticket;
  readonly genesis?: Genesis;
  readonly exclusion?: Exclusion;
  /** The snapshot the log stands on, or index 0. Entries begin at `base.index + 1` or later, see `first`. */
  readonly base: Position;
  /** Where that snapshot was put; absent when no snapshot was ever installed. */
  readonly baseDirectory?: string;
  /** First entry still readable; `last.index + 1` when there is none. */
  readonly first: LogIndex;
  readonly last: Position;
  /** Newest revision handed out by an entry of the log, 0 when it holds none. */
  readonly lastRevision: Revision;
  readonly lastLogTime: number;
  /** First index of each term among the entries from `first` on, growing. */
  readonly termRuns: readonly Position[];
  /** Entries that later frames superseded and nobody judged yet. */
  readonly superseded: readonly Entry[];
  /** Runs of indexes lost to damage, growing; empty for a sound log. */
  readonly holes: readonly { readonly from: LogIndex; readonly to: LogIndex }[];
}

export interface RecoveredState {
  readonly log: RecoveredLog;
  readonly store: StoreState;
  /** A store that is damaged or older than the log's first entry: serve nothing, ask for a snapshot. */
  readonly storeUsable: boolean;
}

/** What goes into one WAL frame. All of one record is atomic. */
export type LogRecord =
  /** Supersedes every earlier frame at or above its first index; no entries: only state. */
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'genesis'; readonly genesis: Genesis }
  | { readonly kind: 'exclusion'; readonly reason: Exclusion }
  /** A snapshot in `directory` replaces the log up to `position`; `keepTail`: what follows stays. */
  | {
      readonly kind: 'base';
      readonly position: Position;
      readonly directory: string;
      readonly keepTail: boolean;
    }
  /** Fills a hole; supersedes nothing. */
  | { readonly kind: 'repair'; readonly entries: readonly Entry[] };

/** One frame to write: record plus the state every frame carries. */
export interface PersistOrder {
  readonly ticket: Ticket;
  readonly record: LogRecord;
  readonly hardState: HardState;
  readonly commitFloor: LogIndex;
  /** Last position of the log once this record is in it. */
  readonly last: Position;
}

/** One request of a client, as the core sees it. Deadlines are on this node's monotonic clock. */
export interface ProposedWrite {
  readonly id: number;
  readonly sequence: number;
  readonly ack: Ack;
  readonly deadline: number;
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  /** Of a transaction: what to do when a condition fails. */
  readonly otherwise?: readonly Operation[];
  /** Instead of conditions and operations. */
  readonly clear?: RangeClearing;
}

export interface ProposedRead {
  /** Unique among this node's pending reads. */
  readonly id: number;
  readonly consistency: 'linearizable' | 'session' | 'eventual';
  readonly deadline: number;
  /** Point keys; undefined for a range. */
  readonly keys: readonly Uint8Array[] | undefined;
  readonly token: Revision;
  readonly maxStalenessMs?: number;
}

export type Order =
  /** Hand the primary role to `target`, or to the best standby. Answered by `orderDone`. */
  | { readonly kind: 'switchover'; readonly id: number; readonly target?: NodeId }
  /** Disk full: hand over, refuse writes; and back. */
  | { readonly kind: 'diskFull'; readonly full: boolean };

export type Input =
  /** `lateMs`: so much later than it should, because the event loop was busy. */
  | { readonly kind: 'tick'; readonly lateMs?: number }
  | { readonly kind: 'message'; readonly from: NodeId; readonly message: PeerMessage }
  | {
      readonly kind: 'linkUp';
      readonly peer: NodeId;
      readonly boot: BootId;
      readonly disk: DiskId;
      readonly cluster?: ClusterId;
      readonly voters: readonly NodeId[];
      readonly exclusion?: Exclusion;
    }
  /** `lost`: was up and closed. `refused`: an attempt to connect failed. */
  | { readonly kind: 'linkDown'; readonly peer: NodeId; readonly cause: 'lost' | 'refused' }
  | {
      readonly kind: 'propose';
      readonly connection: number;
      readonly session: SessionId;
      readonly floor: number;
      readonly requests: readonly ProposedWrite[];
    }
  | {
      readonly kind: 'openSession';
      readonly connection: number;
      readonly id: number;
      readonly deadline: number;
    }
  | {
      readonly kind: 'closeSession';
      readonly connection: number;
      readonly id: number;
      readonly session: SessionId;
      readonly deadline: number;
    }
  /** The connection is gone: its waiters need no answer. What is logged stays logged. */
  | { readonly kind: 'connectionClosed'; readonly connection: number }
  | { readonly kind: 'read'; readonly reads: readonly ProposedRead[] }
  | { readonly kind: 'cancelRead'; readonly id: number }
  | { readonly kind: 'persisted'; readonly ticket: Ticket }
  | { readonly kind: 'applied'; readonly index: LogIndex }
  | { readonly kind: 'loaded'; readonly id: number; readonly entries: readonly Entry[] }
  /** In the order of the keys; fewer if their values were too long. */
  | { readonly kind: 'fetched'; readonly id: number; readonly records: readonly (StoredRecord | undefined)[] }
  /** `next`: expiry of the first place that is not among them, due or not; undefined: there is none. */
  | {
      readonly kind: 'dueFound';
      readonly id: number;
      readonly due: readonly FoundKey[];
      readonly next: number | undefined;
    }
  /** Undefined: the store could not be read. */
  | { readonly kind: 'oldFound'; readonly id: number; readonly found: FoundRange | undefined }
  /** A snapshot transfer to `peer` ended; `position` is what it holds now, absent on failure. */
  | { readonly kind: 'snapshotSent'; readonly peer: NodeId; readonly position?: Position }
  /** A snapshot stands verified and synced in `directory`. Answered by `persist` of a base and `install`, or by `discardSnapshot`. */
  | { readonly kind: 'snapshotReceived'; readonly directory: string; readonly state: StoreState }
  | { readonly kind: 'installed'; readonly directory: string }
  /** Entries below are gone from the disk. */
  | { readonly kind: 'headRemoved'; readonly below: LogIndex }
  | { readonly kind: 'order'; readonly order: Order };

export type ClientReply =
  | { readonly id: number; readonly kind: 'receipt'; readonly receipt: WriteReceipt }
  | { readonly id: number; readonly kind: 'sessionOpened'; readonly session: SessionId }
  | { readonly id: number; readonly kind: 'sessionClosed' }
  | { readonly id: number; readonly kind: 'error'; readonly error: WireError };

/** A place in the store's index of expiries whose time has come. */
export interface FoundKey {
  readonly key: Uint8Array;
  /** Log time, milliseconds. */
  readonly expiresAt: number;
  /** The record of the key has this expiry; otherwise another write came, and the place is stale. */
  readonly isCurrent: boolean;
}

/** What of a range is old enough to be cleared. */
export interface FoundRange {
  /** In the direction of the range. */
  readonly keys: readonly Uint8Array[];
  /** The last key that was looked at; undefined: nothing is left of the range behind it. */
  readonly behind?: Uint8Array;
}

/** A read that may be served now. */
export interface ServedRead {
  readonly id: number;
  /** The state read holds at least this revision; answer with it or with the store's own if that is higher. */
  readonly revision: Revision;
  /** Milliseconds; 0 for linearizable; -1 unknown. */
  readonly stalenessMs: number;
  /** By position in `keys`: a newer record than the store's (or `null`: deleted); undefined: read the store. */
  readonly overlay?: readonly (StoredRecord | null | undefined)[];
}

export type Effect =
  | { readonly kind: 'persist'; readonly order: PersistOrder }
  | { readonly kind: 'send'; readonly to: NodeId; readonly message: PeerMessage }
  /** One batch: blindly, in order, with position, revision, log time, sessions and history. */
  | {
      readonly kind: 'apply';
      readonly entries: readonly Entry[];
      /** Full new records of every session the entries touched. */
      readonly sessions: readonly SessionRecord[];
      readonly closedSessions: readonly SessionId[];
      readonly history: readonly TermStart[];
      /** After these entries. */
      readonly applied: Position;
      readonly revision: Revision;
      readonly logTime: number;
    }
  /** Read entries `from`..`to` back from the log, as many as fit in `bytesMax` but at least one. */
  | {
      readonly kind: 'load';
      readonly id: number;
      readonly from: LogIndex;
      readonly to: LogIndex;
      readonly bytesMax: number;
    }
  /** Read the newest applied records, in this order, until their values are longer than `bytesMax`. */
  | {
      readonly kind: 'fetch';
      readonly id: number;
      readonly keys: readonly Uint8Array[];
      readonly bytesMax: number;
    }
  /** The applied keys whose time has come by the log time `upTo`, earliest first, `placesMax` at most, all of one moment. */
  | {
      readonly kind: 'findDue';
      readonly id: number;
      readonly upTo: number;
      readonly placesMax: number;
    }
  /**
   * The applied keys of a range whose revisions are not above `upTo`, all of one moment, in the direction of the range:
   * `limit` at most. The look ends after `keysMax` keys of any revision, and with the key that takes the bytes of those
   * found, or of the records read, to their bound.
   */
  | {
      readonly kind: 'findOld';
      readonly id: number;
      readonly range: RangeClearing;
      readonly keysMax: number;
      readonly keyBytesMax: number;
      readonly readBytesMax: number;
    }
  /** `logTime` is that of now as far as this node knows it, at most the primary's: what is left of times to live. */
  | { readonly kind: 'serve'; readonly reads: readonly ServedRead[]; readonly logTime: number }
  | {
      readonly kind: 'refuseReads';
      readonly reads: readonly { readonly id: number; readonly error: WireError }[];
    }
  | { readonly kind: 'reply'; readonly connection: number; readonly replies: readonly ClientReply[] }
  /** Send one consistent image of the store to `peer` on a link of its own. */
  | { readonly kind: 'sendSnapshot'; readonly peer: NodeId }
  | { readonly kind: 'cancelSnapshot'; readonly peer: NodeId }
  /** The base frame is durable: swap the store for the one in `directory`, then input `installed`. */
  | { readonly kind: 'install'; readonly directory: string; readonly state: StoreState }
  | { readonly kind: 'discardSnapshot'; readonly directory: string }
  /** Judged lost: file their mutations durably. The log may not drop them before. */
  | { readonly kind: 'fileDiverged'; readonly entries: readonly Entry[]; readonly undecided: boolean }
  /** Superseded entries that survived elsewhere: nothing to file, their segment may go. */
  | { readonly kind: 'judged'; readonly entries: readonly Entry[] }
  | { readonly kind: 'orderDone'; readonly id: number; readonly error?: WireError }
  | { readonly kind: 'notice'; readonly notice: Notice }
  /** This node must not go on. */
  | { readonly kind: 'stop'; readonly reason: string };

/** What happened, for logs, events and metrics. Nothing depends on a notice being read. */
export type Notice =
  | {
      readonly kind: 'role';
      readonly role: Role;
      readonly term: Term;
      readonly reason: string;
      readonly primary?: NodeId;
    }
  | { readonly kind: 'suspicion'; readonly of: NodeId; readonly reason: string }
  | { readonly kind: 'preVote'; readonly term: Term; readonly reason: string }
  | { readonly kind: 'election'; readonly term: Term; readonly reason: string }
  /** The opening entry is committed and applied: writes are admitted. */
  | { readonly kind: 'promotion'; readonly term: Term; readonly index: LogIndex; readonly reason: string }
  | { readonly kind: 'stepDown'; readonly term: Term; readonly reason: string }
  | { readonly kind: 'primaryKnown'; readonly term: Term; readonly primary?: NodeId }
  | { readonly kind: 'truncated'; readonly from: LogIndex; readonly to: LogIndex }
  | {
      readonly kind: 'divergence';
      readonly entries: number;
      readonly writes: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'snapshot';
      readonly peer: NodeId;
      readonly state: 'needed' | 'sent' | 'failed' | 'installed' | 'ignored';
      readonly index: LogIndex;
      readonly reason: string;
    }
  | { readonly kind: 'excluded'; readonly peer: NodeId; readonly term: Term; readonly reason: Exclusion }
  | { readonly kind: 'formed'; readonly cluster: ClusterId }
  | { readonly kind: 'wrongCluster'; readonly peer: NodeId; readonly reason: string }
  | {
      readonly kind: 'switchover';
      readonly target: NodeId;
      readonly state: 'started' | 'ordered' | 'givenUp';
    }
  | {
      readonly kind: 'repair';
      readonly index: LogIndex;
      readonly state: 'pulling' | 'healed';
      readonly reason: string;
    }
  | { readonly kind: 'persistStall'; readonly ms: number };

export type Role = 'forming' | 'standby' | 'candidate' | 'primary' | 'excluded' | 'repairing';

/** A reading of one peer's progress, for status. */
export interface PeerStatus {
  readonly id: NodeId;
  readonly linked: boolean;
  readonly state: 'probe' | 'replicate' | 'snapshot' | 'unknown';
  readonly match: LogIndex;
  readonly applied: LogIndex;
  readonly lagEntries: number;
  readonly lagBytes: number;
  /** Since it held all that this primary had logged, to about a round trip; 0 when level. */
  readonly lagMs: number;
  readonly exclusion?: Exclusion;
}

/** What a node says of itself in every handshake, and of the cluster in every topology. */
export interface CoreStanding {
  readonly role: Role;
  readonly term: Term;
  readonly primary?: NodeId;
  readonly cluster?: ClusterId;
  readonly exclusion?: Exclusion;
}

/** A reading of the core, for status and metrics: not free, see `standing`. */
export interface CoreStatus extends CoreStanding {
  readonly database?: string;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly durable: LogIndex;
  readonly last: Position;
  readonly firstIndex: LogIndex;
  readonly lastRevision: Revision;
  readonly appliedRevision: Revision;
  /** Writes admitted: the primary's opening entry is applied and it has majority contact. */
  readonly admitting: boolean;
  /** May serve reads: replay is done. */
  readonly serving: boolean;
  /** How old the applied state may be, milliseconds; -1 before the first proof. */
  readonly stalenessMs: number;
  readonly holes: number;
  readonly sessions: number;
  readonly queued: number;
  /** Share of new requests that is refused, because those that are here wait too long. */
  readonly shedding: { readonly writes: number; readonly reads: number };
  /** Writes acknowledged in this run, by the level reached. */
  readonly acknowledged: Readonly<Record<Ack, number>>;
  /** Announced by a primary of an older term and not accounted for here yet. */
  readonly supersededPending: number;
  readonly peers: readonly PeerStatus[];
}

/** What `Core` offers. `step` is synchronous and not re-entrant. */
export interface CoreApi {
  step(input: Input, now: number): readonly Effect[];
  status(now: number): CoreStatus;
  /** The part of the status that costs nothing. */
  readonly standing: CoreStanding;
  /**
   * The log below this index is needed by nobody: its head may go, if the store's checkpoint is at or above it. Below
   * `peersFrom` nothing is kept for a peer, which gets a snapshot if that is what it needs.
   */
  retainFrom(peersFrom?: LogIndex): LogIndex;
  /**
   * Somebody waits for what is committed to be applied: reads, or a node that stands or was just elected, which takes
   * no write before its store is level.
   */
  readonly applyAwaited: boolean;
  /** What the session table says of a client's call, as of the newest entry handed to the store: see `SequenceState`. */
  sequenceKind(session: SessionId, sequence: number): SequenceKind;
  checkInvariants(): void;
}
