import type { SessionId, WireError, WriteReceipt } from '@holdfast/types';
import { assert, HoldfastError } from '@holdfast/types';
import { GatedQueue } from '../resilience/gated-queue.ts';
import type { NodeBreaker } from '../resilience/node-breaker.ts';
import type { Resilience } from '../resilience/resilience.ts';
import { type LinkId, NO_LINK, type WriteCall } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import type { ClientLimits } from './client-limits.ts';
import { answeredError, deadlineError } from './failures.ts';
import type { FrameWriter } from './frame-writer.ts';
import { KeySet } from './key-set.ts';
import { OpenSession } from './open-session.ts';

/** How long a node may take to open a session before it is asked again. */
const SESSION_OPEN_MS = 5000;

/** Where writes go now, and which. */
export interface WriteOutlet {
  readonly link: LinkId;
  readonly term: number;
  readonly breaker: NodeBreaker;
  /** Calls issued after it wait. */
  readonly barrier: number;
  readonly now: number;
  /** Not more than so many: one probe, if the node is left out otherwise. */
  sendsMax: number;
}

/**
 * The writes of one session, in order. A call waits without a sequence until there is a primary, an open session
 * and room in its window; then it holds its sequence until it is settled, and each time its answer is lost it is
 * sent again under that sequence, so that the cluster can tell the repeat from a second write.
 */
export class WriteLane {
  readonly #limits: ClientLimits;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #resilience: Resilience;
  readonly #waiting: GatedQueue<WriteCall>;
  /** What the late ones write, while new ones go before them. */
  readonly #lateKeys = new KeySet();
  #session: OpenSession | undefined;
  /** Expired sessions some of whose calls are still awaited. */
  #retired: OpenSession[] = [];
  #opening: { readonly id: number; readonly link: LinkId; readonly deadline: number } | undefined;
  /** Some call holds a sequence and awaits no answer: it is to be sent again. */
  #resendDue = false;
  /** Some of them could not be: for want of a token, or because they are let go little by little. */
  #resendHeld = false;
  #inFlightBytes = 0;

  constructor(parts: {
    readonly limits: ClientLimits;
    readonly ledger: CallLedger;
    readonly frames: FrameWriter;
    readonly resilience: Resilience;
  }) {
    const { limits, ledger, frames, resilience } = parts;
    this.#limits = limits;
    this.#ledger = ledger;
    this.#frames = frames;
    this.#resilience = resilience;
    this.#waiting = new GatedQueue(resilience.primaryGate, limits.resilience.release.marginMs);
  }

  /** Calls that await no answer. */
  get waiting(): number {
    let parked = 0;
    this.#forEachSent((call) => {
      if (call.link === NO_LINK) parked += 1;
    });
    return this.#waiting.length + parked;
  }

  /** Some calls that waited through an outage are still held back. */
  get hasLate(): boolean {
    // What is to be sent again and was not tried yet may be held back, too.
    return this.#resendDue || this.#resendHeld || this.#waiting.lateLength > 0;
  }

  get sessionId(): SessionId | undefined {
    return this.#session?.id;
  }

  /** Every sequence at or below it is answered or given up; 0 without a session. */
  get floor(): number {
    return this.#session?.window.floor ?? 0;
  }

  enqueue(call: WriteCall): void {
    // A new write goes before those that are let go little by little, but not before one to the same key.
    if (this.#lateKeys.size > 0 && this.#lateKeys.touchedBy(call)) {
      call.isLate = true;
      this.#lateKeys.add(call);
      this.#resilience.primaryGate.joined();
    }
    this.#waiting.push(call);
  }

  /** Sends what may go to the primary. */
  flush(outlet: WriteOutlet): void {
    const { barrier, now } = outlet;
    if (this.#resendDue) this.#resend(outlet);
    if (this.#waiting.length === 0 || outlet.sendsMax === 0) return;
    const session = this.#session;
    if (session === undefined) {
      this.#maybeOpenSession(outlet);
      return;
    }
    const under = { session: session.id, floor: session.window.floor };
    for (let call = this.#waiting.peek(now); call !== undefined; call = this.#waiting.peek(now)) {
      if (call.order > barrier || session.window.full || !this.#hasRoomFor(call)) return;
      if (call.deadline <= now) {
        this.fail(call, deadlineError(call, { primaryKnown: true }));
        continue;
      }
      if (outlet.sendsMax === 0 || !this.#resilience.retries.admit(call, outlet.term)) return;
      this.#waiting.take(call, now);
      call.session = session;
      call.sequence = session.window.take(call);
      this.#inFlightBytes += call.bytes;
      this.#send(call, outlet, under);
    }
  }

  /** There is a primary again: whatever waits has waited for it. */
  divide(): void {
    this.#waiting.divide();
    this.#forEachSent((call) => {
      if (call.link === NO_LINK) call.isLate = true;
    });
    this.#lateKeys.clear();
    if (!this.#resilience.primaryGate.isOvertaken) return;
    for (const call of this.#waiting.all()) this.#lateKeys.add(call);
    this.#forEachSent((call) => {
      if (call.isLate) this.#lateKeys.add(call);
    });
  }

  /** None of those that waited is left. */
  endRelease(): void {
    this.#lateKeys.clear();
  }

  /**
   * A new primary, or the same one in a new term: everything unanswered is sent again, in order. An answer that is
   * still under way from before is taken for none of these attempts.
   */
  retarget(link: LinkId): void {
    this.#resendDue = true;
    this.#forEachSent((call) => {
      if (call.link !== NO_LINK) this.#loseAnswer(call);
    });
    if (this.#opening !== undefined && this.#opening.link !== link) this.#opening = undefined;
  }

  /** Returns how many answers are lost with it. */
  linkDown(link: LinkId): number {
    let lost = 0;
    this.#forEachSent((call) => {
      if (call.link !== link) return;
      lost += 1;
      this.#loseAnswer(call);
    });
    return lost;
  }

  /** The pause after a refusal is over. */
  resume(): void {
    this.#resendDue = true;
  }

  /** Time has passed, or the budget has a token more: what was held back may go. */
  resumeHeld(): void {
    if (this.#resendHeld) this.#resendDue = true;
  }

  succeed(call: WriteCall, receipt: WriteReceipt): void {
    this.#ledger.succeed(call, receipt);
    if (call.isCharged) this.resumeHeld();
    this.#release(call);
  }

  fail(call: WriteCall, error: HoldfastError): void {
    this.#ledger.fail(call, error);
    this.#release(call);
  }

  /** Answered, but not for good; it keeps its place and its sequence. */
  park(call: WriteCall): void {
    call.link = NO_LINK;
    if (call.session?.expired) this.#leaveExpired(call);
  }

  /** The attempt just answered was refused because the cluster no longer knows the session. */
  sessionExpired(call: WriteCall, error: WireError): void {
    const session = call.session;
    assert(session !== undefined, 'a call was sent without a session');
    call.link = NO_LINK;
    call.refusal = error;
    if (session.expired) {
      this.#leaveExpired(call);
      return;
    }
    session.expired = true;
    if (this.#session === session) this.#session = undefined;
    this.#retired.push(session);
    const parked: WriteCall[] = [];
    session.window.forEach((held) => {
      if (held.link === NO_LINK) parked.push(held);
    });
    for (const held of parked) this.#leaveExpired(held);
  }

  /** Does nothing unless `id` was this lane's request for a session. */
  sessionOpened(id: number, link: LinkId, session: SessionId): void {
    if (this.#opening?.id !== id || this.#opening.link !== link) return;
    this.#opening = undefined;
    this.#session = new OpenSession(session, this.#limits.sessionWindow);
  }

  /** True if `id` was this lane's request for a session. Waiting calls fail with a refusal that time cannot cure. */
  sessionRefused(id: number, link: LinkId, error: WireError): boolean {
    if (this.#opening?.id !== id || this.#opening.link !== link) return false;
    this.#opening = undefined;
    if (error.retryable) return true;
    for (const call of this.#waiting.all())
      this.fail(call, answeredError(call, { ...error, outcome: 'not-applied' }, undefined));
    return true;
  }

  #hasRoomFor(call: WriteCall): boolean {
    return this.#inFlightBytes === 0 || this.#inFlightBytes + call.bytes <= this.#limits.inFlightBytesMax;
  }

  #maybeOpenSession(outlet: WriteOutlet): void {
    const { link, breaker, now } = outlet;
    if (this.#opening !== undefined && now < this.#opening.deadline) return;
    const id = this.#ledger.nextId();
    this.#opening = { id, link, deadline: now + SESSION_OPEN_MS };
    this.#frames.add(link, { kind: 'openSession', id, remainingMs: SESSION_OPEN_MS }, 0);
    breaker.sent(now);
    outlet.sendsMax -= 1;
  }

  #resend(outlet: WriteOutlet): void {
    this.#resendDue = false;
    this.#resendHeld = false;
    const session = this.#session;
    if (session === undefined || session.window.held === 0) return;
    const { now, term } = outlet;
    const { primaryGate, retries } = this.#resilience;
    const under = { session: session.id, floor: session.window.floor };
    session.window.forEach((call) => {
      if (call.link !== NO_LINK || call.deadline <= now) return;
      if (!primaryGate.admits(call.isLate, now)) {
        this.#resendHeld = true;
        // Not only with the next tick: as soon as the gate is open newer writes pass it, too.
        this.#resendDue = true;
        return;
      }
      if (outlet.sendsMax === 0 || !retries.admit(call, term)) {
        this.#resendHeld = true;
        return;
      }
      primaryGate.went(call.isLate, now);
      this.#send(call, outlet, under);
    });
  }

  #send(call: WriteCall, outlet: WriteOutlet, under: { session: SessionId; floor: number }): void {
    const { link, breaker, now } = outlet;
    if (call.attempts > 1) this.#ledger.renew(call);
    call.link = link;
    call.sentAt = now;
    call.remainingMs = remainingMs(call.deadline, now, this.#limits.answerMarginMs);
    outlet.sendsMax -= 1;
    // How long `all` takes says more about the other nodes.
    if (call.ack !== 'all') breaker.sent(now);
    this.#frames.addWrite(link, under, call);
  }

  #loseAnswer(call: WriteCall): void {
    call.link = NO_LINK;
    call.leaveOpen();
    if (call.session?.expired) this.#leaveExpired(call);
    else this.#resendDue = true;
  }

  /** Under an expired session nothing can be learned any more; what never took effect moves to the next session. */
  #leaveExpired(call: WriteCall): void {
    if (call.mayBeLogged) {
      const text = 'the session expired while the outcome of a write under it was open';
      this.fail(
        call,
        new HoldfastError('HOLDFAST_SESSION_EXPIRED', text, { outcome: 'unknown', attempts: call.attempts }),
      );
      return;
    }
    this.#leaveWindow(call);
    this.#waiting.restore([call]);
  }

  #release(call: WriteCall): void {
    call.link = NO_LINK;
    if (call.isLate && this.#lateKeys.size > 0) this.#lateKeys.delete(call);
    if (call.session === undefined) this.#waiting.forget(call);
    else this.#leaveWindow(call);
  }

  #leaveWindow(call: WriteCall): void {
    const session = call.session;
    assert(session !== undefined, 'the call holds no sequence');
    session.window.release(call.sequence);
    this.#inFlightBytes -= call.bytes;
    call.session = undefined;
    call.sequence = 0;
    if (session.expired && session.window.held === 0)
      this.#retired = this.#retired.filter((other) => other !== session);
  }

  #forEachSent(visit: (call: WriteCall) => void): void {
    this.#session?.window.forEach(visit);
    for (const session of [...this.#retired]) session.window.forEach(visit);
  }
}

/** What a node is told of the time left: less than the caller has, so that the node's own verdict arrives first. */
export function remainingMs(deadline: number, now: number, marginMs: number): number {
  const left = deadline - now;
  return Math.max(1, Math.floor(left - Math.min(marginMs, left / 10)));
}
