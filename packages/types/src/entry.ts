import { assertNever } from './assert.ts';
import type { DatabaseUid, LogIndex, NodeId, Revision, SessionId, Term } from './brands.ts';

/** Acknowledgement levels, weakest first. See docs/guarantees.md. */
export type Ack = 'local' | 'quorum' | 'all';

/** One change of one key. Keys and values are opaque bytes. */
export type Mutation =
  | {
      readonly kind: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      /** Log time from which on it may be deleted; absent: it stays. */
      readonly expiresAt?: number;
      /** Of the record that it replaces, if that was looked at and had one: its place in the index goes. */
      readonly formerExpiry?: number;
    }
  | { readonly kind: 'del'; readonly key: Uint8Array };

/** A place in the index of expiries whose time has come. */
export interface DueKey {
  readonly key: Uint8Array;
  /** Log time, milliseconds. */
  readonly expiresAt: number;
  /** The key still had that expiry when the entry was made, and goes. Otherwise only its place in the index does. */
  readonly isDeleted: boolean;
}

/**
 * What a logged write came to, decided by the primary that logged it.
 * - `written`: `revision` is that of its last mutation (of the newest mutation before it, if it has none).
 * - `counter`: an increment; `value` is the new value, a safe integer.
 * - `conflict`: a condition failed; `condition` is its position in the request, `revision` the key's current one (0: absent).
 * - `notAnInteger`: an increment met a value that is no integer, or would leave the safe range.
 * - `transaction`: which branch ran, and what each of its steps came to, in their order; `revision` as of `written`.
 * - `cleared`: so many keys of a range were deleted; what of it was not looked at lies behind the key `behind`, in the
 *   direction of the clear. Without it all was. `revision` as of `written`.
 * - `resultTooLarge`: the values that a transaction's gets met do not fit in a result: nothing was changed.
 */
export type WriteResult =
  | { readonly kind: 'written'; readonly revision: Revision }
  | { readonly kind: 'counter'; readonly value: number; readonly revision: Revision }
  | { readonly kind: 'conflict'; readonly condition: number; readonly revision: Revision }
  | { readonly kind: 'notAnInteger'; readonly revision: Revision }
  | {
      readonly kind: 'transaction';
      readonly branch: Branch;
      readonly steps: readonly StepResult[];
      readonly revision: Revision;
    }
  | {
      readonly kind: 'cleared';
      readonly deleted: number;
      readonly behind?: Uint8Array;
      readonly revision: Revision;
    }
  | { readonly kind: 'resultTooLarge'; readonly revision: Revision };

/** Of a transaction: `then` if all its conditions held. */
export type Branch = 'then' | 'else';

/**
 * What one step of a transaction came to. Steps run in order, each sees what those before it did.
 * - `changed`: a put, del or expire; `revision` is that of its mutation.
 * - `counter`: an increment.
 * - `found`, `missing`: a get; `revision` is the key's. `missing` also: an expire without a key.
 */
export type StepResult =
  | { readonly kind: 'changed'; readonly revision: Revision }
  | { readonly kind: 'counter'; readonly value: number; readonly revision: Revision }
  | { readonly kind: 'found'; readonly value: Uint8Array; readonly revision: Revision }
  | { readonly kind: 'missing' };

/** One client request inside an entry, already evaluated. */
export type EntryRequest =
  | {
      readonly kind: 'write';
      readonly session: SessionId;
      /** From 1, chosen by the client, one per call. */
      readonly sequence: number;
      /** Every sequence at or below it is answered or given up. */
      readonly floor: number;
      /** The level asked for (raised to `quorum` where the operation demands it). */
      readonly ack: Ack;
      readonly mutations: readonly Mutation[];
      readonly result: WriteResult;
    }
  /** Its id is `<term>.<index>.<position of this request in the entry>`. */
  | { readonly kind: 'openSession' }
  | {
      readonly kind: 'closeSession';
      readonly session: SessionId;
      readonly reason: 'closed' | 'expired' | 'evicted';
    }
  /** Of no client: the primary found that the time of these keys has come. */
  | { readonly kind: 'expire'; readonly due: readonly DueKey[] };

export type EntryBody =
  /** First entry of a term. Takes one revision: `REVISION_GAP` + 1 above the last in the log. */
  | { readonly kind: 'opening'; readonly primary: NodeId }
  | { readonly kind: 'noop' }
  | { readonly kind: 'requests'; readonly requests: readonly EntryRequest[] };

/** One group commit of the log. Immutable once made. */
export interface Entry {
  readonly database: DatabaseUid;
  readonly index: LogIndex;
  readonly term: Term;
  /** Term of the entry before; 0 for the first. */
  readonly previousTerm: Term;
  /** Milliseconds of log time: grows with the primary's monotonic clock, no wall clock. */
  readonly logTime: number;
  /** Revision of the first mutation, whether or not there is one. Mutations count up from it in order. */
  readonly firstRevision: Revision;
  readonly body: EntryBody;
}

/** A place in the log. */
export interface Position {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Start of a term, from its opening entry; the replicated history table holds these in order. */
export interface TermStart {
  readonly term: Term;
  readonly firstIndex: LogIndex;
  readonly firstRevision: Revision;
}

const NO_MUTATIONS: readonly Mutation[] = [];

/** What a request changes, in order: each takes one revision. */
export function mutationsOf(request: EntryRequest): readonly Mutation[] {
  switch (request.kind) {
    case 'write':
      return request.mutations;
    case 'expire':
      return request.due.filter(({ isDeleted }) => isDeleted).map(({ key }) => ({ kind: 'del', key }));
    case 'openSession':
    case 'closeSession':
      return NO_MUTATIONS;
    default:
      return assertNever(request);
  }
}

/** How many revisions the entry takes. */
export function revisionCount(entry: Entry): number {
  if (entry.body.kind === 'opening') return 1;
  if (entry.body.kind === 'noop') return 0;
  let count = 0;
  for (const request of entry.body.requests) count += mutationsOf(request).length;
  return count;
}

/** The newest revision handed out once this entry is in the log. */
export function lastRevisionOf(entry: Entry): Revision {
  return (entry.firstRevision + revisionCount(entry) - 1) as Revision;
}

/** Bytes that a result takes beyond the fixed few of every request: those of a transaction's steps, or of a key. */
export function resultBytes(result: WriteResult): number {
  if (result.kind === 'cleared') return result.behind?.byteLength ?? 0;
  if (result.kind !== 'transaction') return 0;
  let bytes = 0;
  for (const step of result.steps) bytes += STEP_BYTES + (step.kind === 'found' ? step.value.byteLength : 0);
  return bytes;
}

/** A refusal, a transaction that only read, or a clear that found nothing to delete. */
export function changesNothing(result: WriteResult): boolean {
  switch (result.kind) {
    case 'written':
    case 'counter':
      return false;
    case 'conflict':
    case 'notAnInteger':
    case 'resultTooLarge':
      return true;
    case 'cleared':
      return result.deleted === 0;
    case 'transaction':
      return result.steps.every(({ kind }) => kind === 'found' || kind === 'missing');
    default:
      return assertNever(result);
  }
}

const HEAD_BYTES = 96;
const STEP_BYTES = 16;

/** Counted once: log, windows and checkpoints all ask, and an entry may hold hundreds of requests. */
const counted = new WeakMap<Entry, number>();

/** Bytes the entry takes in memory and roughly on the wire: what windows and limits count. */
export function entryBytes(entry: Entry): number {
  if (entry.body.kind !== 'requests') return HEAD_BYTES;
  let bytes = counted.get(entry);
  if (bytes === undefined) {
    bytes = HEAD_BYTES + requestsBytes(entry.body.requests);
    counted.set(entry, bytes);
  }
  return bytes;
}

function requestsBytes(requests: readonly EntryRequest[]): number {
  let bytes = 0;
  for (const request of requests) {
    bytes += 32;
    if (request.kind === 'expire') for (const { key } of request.due) bytes += 16 + key.byteLength;
    if (request.kind !== 'write') continue;
    for (const mutation of request.mutations) {
      bytes += 8 + mutation.key.byteLength + (mutation.kind === 'put' ? mutation.value.byteLength : 0);
    }
    bytes += resultBytes(request.result);
  }
  return bytes;
}
