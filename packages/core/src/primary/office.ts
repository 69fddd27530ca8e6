import type { Ack, LogIndex, Revision, SessionId, Term } from '@holdfast/types';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import { wireError } from '../kernel/wire-errors.ts';
import type { Freshness } from '../reads/freshness.ts';
import type { ReadOffice } from '../reads/read-desk.ts';
import { Replicator } from '../replication/replicator.ts';
import { Overlay } from '../state/overlay.ts';
import { Switchover } from '../switchover/switchover.ts';
import { Admission } from './admission.ts';
import { Answers } from './answers.ts';
import { Expiries } from './expiries.ts';
import { LogLedger } from './log-ledger.ts';
import { Proposer } from './proposer.ts';

const SESSION_SWEEP_MS = 1000;

/** One term as primary: made when the election is won, thrown away when the office ends. */
export class Office implements ReadOffice {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly term: Term;
  readonly replicator: Replicator;
  readonly admission: Admission;
  readonly answers: Answers;
  readonly overlay: Overlay = new Overlay();
  readonly expiries: Expiries;
  readonly switchover: Switchover;
  readonly #proposer: Proposer;
  readonly #ledger: LogLedger;
  readonly #openingIndex: LogIndex;
  /** When each session was last heard in this office; restarts in full when the first write is admitted. */
  readonly #sessionUsedAt = new Map<SessionId, number>();
  #admittingSince: number;
  #sweepAt: number;
  #admitting = false;
  /** Its disk is full: it stays only until somebody has taken over. */
  #leaves = false;

  constructor(
    context: Context,
    parts: {
      readonly applier: Applier;
      readonly freshness: Freshness;
      readonly acknowledged: Record<Ack, number>;
    },
  ) {
    this.#context = context;
    this.#applier = parts.applier;
    this.term = context.term;
    this.#admittingSince = context.now;
    this.#sweepAt = context.now + SESSION_SWEEP_MS;
    this.replicator = new Replicator(context, parts);
    this.answers = new Answers(context, this.replicator, parts.acknowledged);
    this.#ledger = new LogLedger(context.log.lastRevision);
    const shared = {
      applier: parts.applier,
      answers: this.answers,
      overlay: this.overlay,
      ledger: this.#ledger,
    };
    this.admission = new Admission(context, shared);
    this.expiries = new Expiries(context, { admission: this.admission, overlay: this.overlay });
    this.#proposer = new Proposer(context, {
      ...shared,
      admission: this.admission,
      expiries: this.expiries,
    });
    this.switchover = new Switchover(context, this.replicator);
    this.#openingIndex = this.#proposer.proposeOpening();
    this.replicator.replicate();
    this.replicator.beginRound();
  }

  /** The opening entry is committed and applied: the store holds all that can survive of older terms. */
  get admitting(): boolean {
    return this.#admitting;
  }

  /** Of now, milliseconds. */
  get logTime(): number {
    return this.#proposer.logTime;
  }

  get lastRound(): number {
    return this.replicator.lastRound;
  }

  get confirmedRound(): number {
    return this.replicator.confirmedRound;
  }

  beginRound(): number {
    return this.replicator.beginRound();
  }

  indexOf(revision: Revision): LogIndex | undefined {
    return this.#ledger.indexOf(revision);
  }

  /** Sessions that were heard. */
  get sessionsHeard(): number {
    return this.#sessionUsedAt.size;
  }

  touchSession(session: SessionId): void {
    // Whoever comes before is not known yet, and what somebody made up would be kept.
    if (!this.#admitting || !this.admission.isOpen(session)) return;
    this.#sessionUsedAt.set(session, this.#context.now);
    this.admission.sessionUsed(session);
  }

  /** Why this node may not go on as primary, by check-quorum and by its own disk. */
  whyResign(): string | undefined {
    const { now, config, persists } = this.#context;
    const silence = now - this.replicator.majorityContactAt();
    if (silence > config.timing.electionTimeoutMs)
      return `no majority was heard for ${Math.round(silence)} ms`;
    if (this.#leaves && !this.switchover.handOver()) return 'its disk is full';
    const oldest = persists.oldestIssuedAt;
    // What waits for room on the disk of a cluster of one: see `setDiskFull`.
    if (this.admission.diskFull) return undefined;
    if (oldest === undefined || now - oldest <= config.timing.persistStallMaxMs) return undefined;
    this.#context.notice({ kind: 'persistStall', ms: Math.round(now - oldest) });
    return `its disk has not answered for ${Math.round(now - oldest)} ms`;
  }

  /** A cluster of one has nobody to hand over to: it goes on serving reads, and refuses writes by their name. */
  setDiskFull(full: boolean): void {
    const isAlone = this.#context.others.length === 0;
    this.admission.diskFull = full && isAlone;
    this.#leaves = full && !isAlone;
  }

  tick(): void {
    this.answers.expire();
    this.admission.tick();
    const queue = this.admission.takeQueueState();
    // A switchover holds the queue back for a moment: that is no overload.
    this.#context.shedding.queued(this.switchover.paused ? { ...queue, waiting: 0 } : queue);
    if (this.switchover.tick()) {
      this.answers.localAtQuorumUntil = this.#proposer.proposeNoop();
      this.replicator.replicate();
    }
    this.#tickExpiries();
    this.replicator.tick();
    if (this.#context.now >= this.#sweepAt) this.#sweepSessions();
  }

  #tickExpiries(): void {
    if (!this.#admitting || this.switchover.paused) return;
    const { logTime } = this;
    this.expiries.tick(logTime);
    if (!this.#context.persists.idle || this.admission.diskFull || !this.expiries.needsMark(logTime)) return;
    this.#proposer.proposeNoop();
    this.replicator.replicate();
  }

  onApplied(index: LogIndex): void {
    this.#proposer.onApplied(index);
    if (this.#admitting || index < this.#openingIndex) return;
    this.#admitting = true;
    this.#admittingSince = this.#context.now;
    this.admission.open();
    const reason = 'its opening entry is committed and applied';
    this.#context.notice({ kind: 'promotion', term: this.term, index: this.#openingIndex, reason });
  }

  /** Carries on whatever the step made possible: commit, answers, the next entry. */
  pump(): void {
    for (;;) {
      if (this.replicator.maybeCommit()) {
        this.#ledger.commit(this.#context.commit);
        if (this.#context.commit >= this.#openingIndex) this.replicator.openingCommitted();
      }
      this.answers.advance();
      if (!this.#admitting || this.switchover.paused || !this.#proposer.pump()) break;
      this.replicator.replicate();
    }
    this.switchover.pump();
  }

  /** P9: requests never die silently. */
  end(reason: string): void {
    this.answers.resign();
    this.admission.resign(wireError('HOLDFAST_NOT_PRIMARY', reason));
    this.switchover.officeEnds();
    this.replicator.end();
  }

  /** Expiry and eviction are logged decisions; a session with writes not yet applied stays. */
  #sweepSessions(): void {
    const { now, config } = this.#context;
    this.#sweepAt = now + SESSION_SWEEP_MS;
    if (!this.#admitting) return;
    const { sessions } = this.#applier;
    let excess = sessions.size - config.limits.sessionsMax;
    const isFull = excess > 0;
    const idle: { readonly session: SessionId; readonly usedAt: number }[] = [];
    const { logTime } = this;
    for (const { id, usedAt: loggedAt } of sessions.sessions()) {
      if (!this.admission.isOpen(id)) {
        // Its end is logged. No other need go for it.
        excess -= 1;
        continue;
      }
      if (this.admission.pending.countOf(id) > 0) continue;
      // One that asked for nothing yet was opened when its record says, if that was in this office.
      const usedAt =
        this.#sessionUsedAt.get(id) ?? Math.max(this.#admittingSince, now - (logTime - loggedAt));
      if (now - usedAt > config.limits.sessionIdleMs) {
        this.admission.closeSession(id, 'expired');
        excess -= 1;
      } else if (isFull) idle.push({ session: id, usedAt });
    }
    idle.sort((a, b) => a.usedAt - b.usedAt);
    for (const { session } of idle) {
      if (excess-- <= 0) break;
      this.admission.closeSession(session, 'evicted');
    }
    for (const session of this.#sessionUsedAt.keys()) {
      if (this.admission.isOpen(session)) continue;
      this.#sessionUsedAt.delete(session);
      this.admission.forgetSession(session);
    }
  }
}
