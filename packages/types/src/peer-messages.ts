import type { LogIndex, NodeId, Term } from './brands.ts';
import type { Entry, Position } from './entry.ts';
import type { Exclusion, Genesis } from './membership.ts';

/**
 * What the cores of one database say to each other. Links are first-in first-out while they last;
 * between links anything may be lost, repeated or late.
 */
export type PeerMessage =
  /** Would you vote for me in `term`? Raises no term. */
  | { readonly kind: 'preVote'; readonly term: Term; readonly last: Position; readonly rank: number }
  /** `term` repeats the asked one if granted, else it is the answerer's own. */
  | {
      readonly kind: 'preVoteReply';
      readonly term: Term;
      readonly granted: boolean;
      readonly reason: 'granted' | 'sticky' | 'log' | 'term' | 'excluded' | 'standing';
    }
  /** `transferFrom`: standing on the order of that primary, whose term is `term - 1`; lifts stickiness towards it. */
  | { readonly kind: 'vote'; readonly term: Term; readonly last: Position; readonly transferFrom?: NodeId }
  | { readonly kind: 'voteReply'; readonly term: Term; readonly granted: boolean }
  | {
      readonly kind: 'append';
      readonly term: Term;
      readonly previous: Position;
      readonly entries: readonly Entry[];
      readonly commit: LogIndex;
    }
  /** Everything up to `match` is durable here and equal to the log of the primary of `term`. */
  | { readonly kind: 'appendMatch'; readonly term: Term; readonly match: LogIndex }
  /**
   * The entry at `rejected` (the append's `previous.index`) is missing or of another term here.
   * `hint` is the answerer's newest position with a term at or below that of the refused `previous`.
   */
  | {
      readonly kind: 'appendConflict';
      readonly term: Term;
      readonly rejected: LogIndex;
      readonly hint: Position;
      readonly last: Position;
    }
  | {
      readonly kind: 'heartbeat';
      readonly term: Term;
      /** Never reused within a term. */
      readonly round: number;
      readonly commit: LogIndex;
      /** Who should stand first if this primary dies: best first. */
      readonly successors: readonly NodeId[];
      /** `sentAt` of a message of the receiver that a majority-confirmed round came after; all acknowledged by then is at or below `commit`. */
      readonly echo?: { readonly sentAt: number; readonly commit: LogIndex };
    }
  | {
      readonly kind: 'heartbeatReply';
      readonly term: Term;
      readonly round: number;
      /** A moment of the answerer's monotonic clock, milliseconds, as its run names it: only ever given back to it. */
      readonly sentAt: number;
      readonly applied: LogIndex;
    }
  /** The primary of `term` has stepped down: nobody need be loyal to it. */
  | { readonly kind: 'resigned'; readonly term: Term }
  /** The answer to any message of a lower term. */
  | { readonly kind: 'higherTerm'; readonly term: Term }
  | {
      readonly kind: 'readIndex';
      readonly term: Term;
      readonly id: number;
      /** Of those that wait for it, the one with the most time left. */
      readonly remainingMs: number;
    }
  /** `index` absent: not primary, or no majority; ask again elsewhere. */
  | { readonly kind: 'readIndexReply'; readonly term: Term; readonly id: number; readonly index?: LogIndex }
  /** Stand now, if your log ends exactly here. */
  | { readonly kind: 'stand'; readonly term: Term; readonly last: Position }
  /** Formation: I am empty and have met everybody in my list. `disks` is in the order of the sorted voters. */
  | { readonly kind: 'met'; readonly disks: readonly string[] }
  | { readonly kind: 'genesis'; readonly genesis: Genesis }
  /** You do not hold what you acknowledged, or are not the disk that the membership names. */
  | { readonly kind: 'excluded'; readonly reason: Exclusion }
  /** Repair: send me the entry at `index`; of `term`, if you hold that one. */
  | { readonly kind: 'pull'; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: 'pulled'; readonly index: LogIndex; readonly entry?: Entry }
  /** This node's store is lost or older than its log: only a snapshot helps. */
  | { readonly kind: 'snapshotWanted'; readonly term: Term };

/** What goes over a snapshot link, sender to receiver but for the last two. */
export type SnapshotMessage =
  | { readonly kind: 'snapshotBegin'; readonly id: string; readonly position: Position }
  /** `records`: alternating raw keys and values of the store, in key order. */
  | {
      readonly kind: 'snapshotChunk';
      readonly id: string;
      readonly number: number;
      readonly records: readonly Uint8Array[];
    }
  /** `digest`: lower-case hexadecimal SHA-256 over every record in order, see the store's snapshot module. */
  | { readonly kind: 'snapshotEnd'; readonly id: string; readonly chunks: number; readonly digest: string }
  /** Receiver to sender: everything up to chunk `number` is stored; send more. */
  | { readonly kind: 'snapshotProgress'; readonly id: string; readonly number: number }
  | { readonly kind: 'snapshotResult'; readonly id: string; readonly ok: boolean; readonly reason?: string };
