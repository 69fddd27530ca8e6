import type { DiskId, LogIndex, Revision, SessionId, Term } from './brands.ts';
import type { Position, TermStart, WriteResult } from './entry.ts';

/** A stored key: what the newest surviving mutation left. */
export interface StoredRecord {
  readonly value: Uint8Array;
  readonly revision: Revision;
  /** Log time from which on it may be deleted; absent: it stays. */
  readonly expiresAt?: number;
}

/**
 * Results of consecutive sequences of one session, all logged in one entry.
 * A plain run has `count` ≥ 1 results `written`, the i-th with revision `revision + i × step`.
 */
export type ResultRun =
  | {
      readonly kind: 'plain';
      readonly sequence: number;
      readonly count: number;
      readonly revision: Revision;
      readonly step: number;
      readonly index: LogIndex;
      readonly term: Term;
    }
  | {
      readonly kind: 'single';
      readonly sequence: number;
      readonly result: WriteResult;
      readonly index: LogIndex;
      readonly term: Term;
    };

/** The replicated state of one client session. */
export interface SessionRecord {
  readonly id: SessionId;
  readonly floor: number;
  /** Log time of its newest request, milliseconds. */
  readonly usedAt: number;
  /** Above the floor, by sequence. */
  readonly runs: readonly ResultRun[];
}

/** What a store hands to the core when it is opened or replaced by a snapshot. */
export interface StoreState {
  /** Newest entry whose effects are in the store. */
  readonly applied: Position;
  /** Everything up to this index is on stable storage; re-apply from the next. At most `applied.index`. */
  readonly checkpoint: Position;
  /** Newest revision applied. */
  readonly revision: Revision;
  readonly logTime: number;
  readonly sessions: readonly SessionRecord[];
  /** By term, growing. */
  readonly history: readonly TermStart[];
}

/** Identity of a data directory. */
export interface DiskIdentity {
  readonly disk: DiskId;
}
