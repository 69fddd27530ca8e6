import type { Ack, LogIndex, SessionId, StoredRecord, WireError } from '@holdfast/types';
import { strongerAck } from '../acks/ack-rules.ts';
import type { LoggedWrite } from '../acks/waiters.ts';
import type { FoundRange, ProposedWrite } from '../api.ts';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import { Fifo } from '../kernel/fifo.ts';
import { wireError } from '../kernel/wire-errors.ts';
import { isConditional, validateRequest } from '../state/evaluator.ts';
import type { Overlay } from '../state/overlay.ts';
import { PendingSequences } from '../state/sessions/pending-sequences.ts';
import type { Answers } from './answers.ts';
import { Clears } from './clears.ts';
import { EarlyFrames, type WriteFrame } from './early-frames.ts';
import type { LogLedger } from './log-ledger.ts';
import {
  type ExpireItem,
  isAbandoned,
  isClear,
  isLocal,
  type QueueItem,
  requestBytes,
  type WriteItem,
} from './pending-write.ts';
import { Prefetches } from './prefetches.ts';
import {
  deadlinePassed,
  diskFull,
  lineFull,
  queueFull,
  RETRY_AFTER_MS,
  sequenceClosed,
  sessionExpired,
  tooLong,
} from './refusals.ts';

/** A write of this office: still queued, or logged and not yet in the session table. */
export interface PendingEntry {
  readonly item: WriteItem;
  logged: LoggedWrite | undefined;
}

export interface AdmissionParts {
  readonly applier: Applier;
  readonly answers: Answers;
  readonly overlay: Overlay;
  readonly ledger: LogLedger;
}

const SESSION_REQUEST_BYTES = 64;

/**
 * Decides what may queue. A refused write consumes nothing and is "not applied"; a repeat joins its first attempt.
 * `local` writes beyond the bound of the unreplicated tail wait before the queue, in order among themselves.
 */
export class Admission {
  readonly #context: Context;
  readonly #parts: AdmissionParts;
  readonly #queue = new Fifo<QueueItem>();
  #shifted = 0;
  readonly #localLine = new Fifo<WriteItem>();
  readonly pending: PendingSequences<PendingEntry> = new PendingSequences();
  /** Sessions whose opening, or whose end, is logged and not yet applied, each with the entry that has it. */
  readonly #opening = new Map<SessionId, LogIndex>();
  readonly #closing = new Map<SessionId, LogIndex>();
  /** Sessions whose expiry or eviction is queued, not yet logged, and still meant. */
  readonly #expiring = new Set<SessionId>();
  readonly #prefetches: Prefetches;
  readonly #clears: Clears;
  /**
   * Frames that came before the opening entry was applied. Until then store and session table lack entries of older
   * terms that may commit: a repeat would be taken for new, and a condition judged against a value that has been
   * overwritten. Then they are admitted one after the other, as the store answers what each depends on: how much of
   * the queue that takes is known only then.
   */
  readonly #early = new EarlyFrames();
  #opened = false;
  #queueBytes = 0;
  #lineBytes = 0;
  /** Of `local` writes in the queue: once logged they are what a failover may lose. */
  #queuedLocalBytes = 0;
  /** Highest floor told of each session in this office: the session table learns it only when it is applied. */
  readonly #floors = new Map<SessionId, number>();
  diskFull = false;

  constructor(context: Context, parts: AdmissionParts) {
    this.#context = context;
    this.#parts = parts;
    this.#prefetches = new Prefetches(context, parts.overlay);
    const { applier, overlay } = parts;
    this.#clears = new Clears(context, {
      applier,
      overlay,
      drop: (item) => this.#dropMoot(item),
      queue: (item) => this.#enqueue(item),
      refuse: (item, error) => this.refuseQueued(item, error),
    });
  }

  get queued(): number {
    return this.#queue.length + this.#localLine.length + this.#clears.length;
  }

  /** Of the requests that are queued, and of what was found for them or by the primary itself. */
  get queuedBytes(): number {
    return this.#queueBytes + this.#lineBytes + this.#clears.bytes;
  }

  /** Of the values that were read for them. */
  get fetchedBytes(): number {
    return this.#prefetches.bytes;
  }

  /** Keys that clears have found, of `queuedBytes`. */
  get foundBytes(): number {
    return this.#clears.heldBytes;
  }

  /** Not admitted yet. */
  get early(): Pick<EarlyFrames, 'requests' | 'bytes'> {
    return this.#early;
  }

  /** How many requests wait to be logged, and how many no longer do since it was asked last. */
  takeQueueState(): { readonly waiting: number; readonly done: number } {
    const done = this.#shifted;
    this.#shifted = 0;
    return { waiting: this.#queue.length, done };
  }

  propose(frame: WriteFrame): void {
    if (this.#mayAdmit && this.#early.length === 0) return this.#proposeNow(frame);
    const requests = frame.requests.filter((request) => !this.#isRefusedAsTooLong(frame, request));
    if (requests.length === 0 || this.#early.add({ ...frame, requests }, this.#context.config.limits)) return;
    for (const request of requests) this.#refuse(frame.connection, request.id, queueFull());
  }

  #isRefusedAsTooLong(frame: WriteFrame, request: ProposedWrite): boolean {
    const error = this.#whyTooLong(requestBytes(request));
    if (error !== undefined) this.#refuse(frame.connection, request.id, error);
    return error !== undefined;
  }

  /** What waits to be admitted keeps its deadlines, however long that takes. */
  tick(): void {
    for (const { connection, id } of this.#early.expire(this.#context.now))
      this.#refuse(connection, id, deadlinePassed());
  }

  #proposeNow(frame: WriteFrame): void {
    const known = this.isOpen(frame.session);
    const fresh: ProposedWrite[] = [];
    const again: ProposedWrite[] = [];
    let newest = 0;
    if (known) this.#tellFloor(frame);
    for (const request of frame.requests) {
      if (!known) {
        this.#refuse(frame.connection, request.id, sessionExpired(frame.session));
      } else if (!this.#joinEarlier(frame, request)) {
        const refusal = this.#whyRefused(frame, request);
        if (refusal !== undefined) this.#refuse(frame.connection, request.id, refusal);
        else if (request.sequence <= newest && fresh.some(({ sequence }) => sequence === request.sequence))
          again.push(request);
        else fresh.push(request);
        newest = Math.max(newest, request.sequence);
      }
    }
    if (fresh.length > 0) this.#admit(frame, fresh);
    // A sequence twice in one frame: the second joins the first, which is pending by now, or refused.
    if (again.length > 0) this.#proposeNow({ ...frame, requests: again });
  }

  openSession(connection: number, id: number, deadline: number): void {
    const waiter = this.#parts.answers.waiter({ connection, id, ack: 'quorum', deadline, repeated: false });
    const full = this.diskFull ? diskFull() : this.#whyFull(SESSION_REQUEST_BYTES);
    if (full !== undefined) this.#parts.answers.refuse(waiter, full);
    else this.#enqueue({ kind: 'openSession', bytes: SESSION_REQUEST_BYTES, waiters: [waiter] });
  }

  closeSession(
    session: SessionId,
    reason: 'closed' | 'expired' | 'evicted',
    from?: { readonly connection: number; readonly id: number; readonly deadline: number },
  ): void {
    if (from === undefined) {
      if (this.#expiring.has(session) || this.#closing.has(session)) return;
      this.#expiring.add(session);
      this.#enqueue({ kind: 'closeSession', session, reason, bytes: SESSION_REQUEST_BYTES, waiters: [] });
      return;
    }
    const waiter = this.#parts.answers.waiter({ ...from, ack: 'quorum', repeated: false });
    const full = this.#whyFull(SESSION_REQUEST_BYTES);
    if (full !== undefined) this.#parts.answers.refuse(waiter, full);
    else
      this.#enqueue({
        kind: 'closeSession',
        session,
        reason,
        bytes: SESSION_REQUEST_BYTES,
        waiters: [waiter],
      });
  }

  /** Whatever becomes of what it asks for: it is not to expire, though that be decided. */
  sessionUsed(session: SessionId): void {
    if (this.#expiring.size > 0) this.#expiring.delete(session);
  }

  /** Keys whose time has come: decided when the turn comes, against the newest state. */
  expire(item: ExpireItem): void {
    this.#enqueue(item);
  }

  /** Open by what is logged, applied or not: its writes are taken. */
  isOpen(session: SessionId): boolean {
    if (this.#closing.has(session)) return false;
    return this.#parts.applier.sessions.has(session) || this.#opening.has(session);
  }

  sessionLogged(kind: 'opening' | 'closing', session: SessionId, index: LogIndex): void {
    (kind === 'opening' ? this.#opening : this.#closing).set(session, index);
  }

  /** The session table has it from here on. */
  onApplied(applied: LogIndex): void {
    for (const sessions of [this.#opening, this.#closing])
      for (const [session, index] of sessions) if (index <= applied) sessions.delete(session);
    this.#clears.pump();
  }

  fetched(id: number, records: readonly (StoredRecord | undefined)[]): void {
    this.#prefetches.fetched(id, records);
    this.#admitEarly();
  }

  oldFound(id: number, found: FoundRange | undefined): void {
    this.#clears.found(id, found);
  }

  /** The opening entry is applied: store and overlay together are the newest state from here on. */
  open(): void {
    this.#opened = true;
    this.#admitEarly();
  }

  get #mayAdmit(): boolean {
    return this.#opened && !this.#prefetches.isUnderWay;
  }

  #admitEarly(): void {
    while (this.#mayAdmit) {
      const frame = this.#early.shift();
      if (frame === undefined) return;
      this.#proposeNow(frame);
    }
  }

  /** The next request to evaluate, if it has what it needs. It stays at the head until `shift`. */
  ready(): QueueItem | undefined {
    for (;;) {
      const item = this.#queue.peek();
      if (item === undefined) return undefined;
      if (this.#isMoot(item)) {
        this.shift();
        this.#drop(item);
        continue;
      }
      if (item.kind !== 'write' || item.prefetch === undefined) return item;
      if (item.prefetch.records === undefined) return undefined;
      if (!item.prefetch.isShort) return item;
      const error = this.#prefetches.whyUnread(item, item.prefetch);
      if (error === undefined) return item;
      this.shift();
      this.refuseQueued(item, error);
    }
  }

  shift(): void {
    const item = this.#queue.shift()!;
    this.#queueBytes -= item.bytes;
    if (isLocal(item)) this.#queuedLocalBytes -= item.bytes;
    this.#shifted += 1;
    if (item.kind === 'write' && item.prefetch !== undefined) this.#prefetches.release(item.prefetch);
    if (isClear(item)) this.#clears.release(item.found!);
    if (item.kind === 'closeSession') this.#expiring.delete(item.session);
    if (item.kind === 'expire') this.#parts.overlay.endFetch(item.barrier);
  }

  /** It was taken off the queue to be logged, and cannot be: as if it had been refused when it came. */
  refuseQueued(item: WriteItem, error: WireError): void {
    this.pending.delete(item.session, item.request.sequence);
    for (const waiter of item.waiters) this.#parts.answers.refuse(waiter, error);
  }

  /** `local` writes go on once the unreplicated tail is short again. */
  admitLocal(): void {
    while (this.#localLine.length > 0) {
      const item = this.#localLine.peek()!;
      if (this.#isMoot(item)) {
        if (item.prefetch !== undefined) this.#prefetches.release(item.prefetch);
        this.#drop(item);
      } else if (this.#lagging()) return;
      else this.#enqueue(item);
      this.#localLine.shift();
      this.#lineBytes -= item.bytes;
    }
  }

  /** The session is gone from the table. */
  forgetSession(session: SessionId): void {
    this.#floors.delete(session);
  }

  /** The office ends: what is not logged is not applied. */
  resign(error: WireError): void {
    for (const frame of this.#early.drain()) {
      for (const request of frame.requests) this.#refuse(frame.connection, request.id, error);
    }
    for (const item of [...this.#queue.drain(), ...this.#localLine.drain(), ...this.#clears.drain()]) {
      for (const waiter of item.waiters) this.#parts.answers.refuse(waiter, error);
    }
    this.pending.clear();
  }

  /** True when an earlier attempt of the same (session, sequence) answers for it. */
  #joinEarlier(frame: WriteFrame, request: ProposedWrite): boolean {
    const { applier, answers } = this.#parts;
    const ack = effectiveAck(request);
    const from = {
      connection: frame.connection,
      id: request.id,
      ack,
      deadline: request.deadline,
      repeated: true,
    };
    const pending = this.pending.get(frame.session, request.sequence);
    if (pending !== undefined) {
      const waiter = answers.waiter(from);
      if (pending.logged === undefined) pending.item.waiters.push(waiter);
      else answers.logged(waiter, pending.logged);
      return true;
    }
    const state = applier.sessions.find(frame.session, request.sequence);
    if (state.kind === 'closed') {
      this.#refuse(frame.connection, request.id, sequenceClosed(frame.session, request.sequence));
      return true;
    }
    if (state.kind !== 'done') return false;
    const outcome = { kind: 'write', result: state.result } as const;
    answers.logged(answers.waiter(from), { index: state.index, term: state.term, outcome });
    return true;
  }

  /**
   * Not to be logged any more, though it was admitted: nobody waits for it, its session has come to its end or has
   * given it up, or, for an expiry, the session is in use again.
   */
  #isMoot(item: QueueItem): boolean {
    if (isAbandoned(item)) return true;
    if (item.kind === 'write')
      return !this.isOpen(item.session) || item.request.sequence <= this.#floorOf(item.session);
    if (item.kind !== 'closeSession' || item.waiters.length > 0) return false;
    return !this.#expiring.has(item.session) || this.pending.countOf(item.session) > 0;
  }

  #dropMoot(item: WriteItem): boolean {
    const isMoot = this.#isMoot(item);
    if (isMoot) this.#drop(item);
    return isMoot;
  }

  #drop(item: QueueItem): void {
    if (item.kind !== 'write') return;
    const { session, request, waiters } = item;
    this.pending.delete(session, request.sequence);
    const error = this.isOpen(session) ? sequenceClosed(session, request.sequence) : sessionExpired(session);
    for (const waiter of waiters) this.#parts.answers.refuse(waiter, error);
  }

  #floorOf(session: SessionId): number {
    return this.#floors.get(session) ?? 0;
  }

  #whyRefused(frame: WriteFrame, request: ProposedWrite): WireError | undefined {
    if (this.diskFull) return diskFull();
    if (request.deadline <= this.#context.now) {
      return deadlinePassed();
    }
    const floor = this.#floorOf(frame.session);
    if (request.sequence <= floor) return sequenceClosed(frame.session, request.sequence);
    if (!this.#parts.applier.sessions.inWindow(frame.session, request.sequence, floor)) {
      return wireError('HOLDFAST_OVERLOADED', 'too many writes of this session are unanswered', {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    return validateRequest(request) ?? this.#context.shedding.refusesWrite();
  }

  /** Floors never fall, whatever order frames arrive in. */
  #tellFloor(frame: WriteFrame): void {
    if (frame.floor > this.#floorOf(frame.session)) this.#floors.set(frame.session, frame.floor);
  }

  #whyFull(bytes: number): WireError | undefined {
    const { limits } = this.#context.config;
    if (
      this.#queue.length + this.#clears.length < limits.admitQueueRequestsMax &&
      this.#queueBytes + this.#clears.bytes + this.#prefetches.bytes + bytes <= limits.admitQueueBytesMax
    )
      return undefined;
    return queueFull();
  }

  /** No room that others leave would do. */
  #whyTooLong(bytes: number): WireError | undefined {
    return bytes > this.#context.config.limits.admitQueueBytesMax ? tooLong() : undefined;
  }

  #admit(frame: WriteFrame, requests: readonly ProposedWrite[]): void {
    const { answers } = this.#parts;
    const prefetch = this.#prefetches.begin(requests);
    for (const request of requests) {
      const bytes = requestBytes(request);
      const ack = effectiveAck(request);
      const waiter = answers.waiter({
        connection: frame.connection,
        id: request.id,
        ack,
        deadline: request.deadline,
        repeated: false,
      });
      const uses = prefetch !== undefined && Prefetches.isNeededBy(request) ? prefetch : undefined;
      const held = ack === 'local' && (this.#localLine.length > 0 || this.#lagging());
      const full = this.#whyTooLong(bytes) ?? (held ? this.#whyLineFull(bytes) : this.#whyFull(bytes));
      if (full !== undefined) {
        answers.refuse(waiter, full);
        if (uses !== undefined) this.#prefetches.release(uses);
        continue;
      }
      const item: WriteItem = {
        kind: 'write',
        session: frame.session,
        floor: frame.floor,
        request,
        ack,
        bytes,
        prefetch: uses,
        found: undefined,
        waiters: [waiter],
      };
      this.pending.set(frame.session, request.sequence, { item, logged: undefined });
      if (held) {
        this.#localLine.push(item);
        this.#lineBytes += bytes;
      } else this.#enqueue(item);
    }
  }

  /** It has as much room as the queue, and of its own. */
  #whyLineFull(bytes: number): WireError | undefined {
    const { asyncWaitersMax, admitQueueBytesMax } = this.#context.config.limits;
    if (this.#localLine.length < asyncWaitersMax && this.#lineBytes + bytes <= admitQueueBytesMax)
      return undefined;
    return lineFull();
  }

  /** The unreplicated tail is as long or as old as a failover may lose, or will be with what is queued for it. */
  #lagging(): boolean {
    const { ledger } = this.#parts;
    const { asyncLagBytesMax, asyncLagMsMax } = this.#context.config.limits;
    const oldest = ledger.oldestUncommittedAt;
    return (
      ledger.uncommittedBytes + this.#queuedLocalBytes >= asyncLagBytesMax ||
      (oldest !== undefined && this.#context.now - oldest >= asyncLagMsMax)
    );
  }

  #enqueue(item: QueueItem): void {
    if (isClear(item) && item.found === undefined) return this.#clears.begin(item);
    this.#queue.push(item);
    this.#queueBytes += item.bytes;
    if (isLocal(item)) this.#queuedLocalBytes += item.bytes;
  }

  #refuse(connection: number, id: number, error: WireError): void {
    this.#context.replyError(connection, id, error);
  }
}

/** What a failover could undo may not decide: conditions and increments are at quorum at least. */
function effectiveAck(request: ProposedWrite): Ack {
  return isConditional(request) ? strongerAck(request.ack, 'quorum') : request.ack;
}
