import type { SessionId, WireError, WriteReceipt } from '@holdfast/types';
import { assert, HoldfastError } from '@holdfast/types';
import { type LinkId, NO_LINK, type WriteCall } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import { CallQueue } from './call-queue.ts';
import type { ClientLimits } from './client-limits.ts';
import { answeredError, deadlineError } from './failures.ts';
import type { FrameWriter } from './frame-writer.ts';
import { OpenSession } from './open-session.ts';

/** How long a node may take to open a session before it is asked again. */
const SESSION_OPEN_MS = 5000;

/**
 * The writes of one session, in order. A call waits without a sequence until there is a primary, an open session
 * and room in its window; then it holds its sequence until it is settled, and each time its answer is lost it is
 * sent again under that sequence, so that the cluster can tell the repeat from a second write.
 */
export class WriteLane {
  readonly #limits: ClientLimits;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #waiting = new CallQueue<WriteCall>();
  #session: OpenSession | undefined;
  /** Expired sessions some of whose calls are still awaited. */
  #retired: OpenSession[] = [];
  #opening: { readonly id: number; readonly link: LinkId; readonly deadline: number } | undefined;
  /** Some call holds a sequence and awaits no answer: it is to be sent again. */
  #resendDue = false;
  #inFlightBytes = 0;

  constructor(limits: ClientLimits, ledger: CallLedger, frames: FrameWriter) {
    this.#limits = limits;
    this.#ledger = ledger;
    this.#frames = frames;
  }

  get sessionId(): SessionId | undefined {
    return this.#session?.id;
  }

  /** Every sequence at or below it is answered or given up; 0 without a session. */
  get floor(): number {
    return this.#session?.window.floor ?? 0;
  }

  enqueue(call: WriteCall): void {
    this.#waiting.push(call);
  }

  /** Sends what may go to the primary behind `link`. Calls issued after `barrier` wait. */
  flush(link: LinkId, barrier: number, now: number): void {
    if (this.#resendDue) this.#resend(link, now);
    if (this.#waiting.length === 0) return;
    const session = this.#session;
    if (session === undefined) {
      this.#maybeOpenSession(link, now);
      return;
    }
    const under = { session: session.id, floor: session.window.floor };
    for (let call = this.#waiting.peek(); call !== undefined; call = this.#waiting.peek()) {
      if (call.order > barrier || session.window.full || !this.#hasRoomFor(call)) return;
      if (call.deadline <= now) {
        this.fail(call, deadlineError(call, { primaryKnown: true }));
        continue;
      }
      this.#waiting.shift();
      call.session = session;
      call.sequence = session.window.take(call);
      this.#inFlightBytes += call.bytes;
      this.#send(call, link, under, now);
    }
  }

  /**
   * A new primary, or the same one in a new term: everything unanswered is sent again, in order. An answer that
   * is still under way from before does no harm, whichever attempt it is taken for.
   */
  retarget(link: LinkId): void {
    this.#resendDue = true;
    this.#forEachSent((call) => {
      if (call.link !== NO_LINK) this.#loseAnswer(call);
    });
    if (this.#opening !== undefined && this.#opening.link !== link) this.#opening = undefined;
  }

  linkDown(link: LinkId): void {
    this.#forEachSent((call) => {
      if (call.link === link) this.#loseAnswer(call);
    });
  }

  /** The pause after a refusal is over. */
  resume(): void {
    this.#resendDue = true;
  }

  succeed(call: WriteCall, receipt: WriteReceipt): void {
    this.#ledger.succeed(call, receipt);
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

  /** True if `id` was this lane's request for a session. */
  sessionOpened(id: number, link: LinkId, session: SessionId): boolean {
    if (this.#opening?.id !== id || this.#opening.link !== link) return false;
    this.#opening = undefined;
    this.#session = new OpenSession(session, this.#limits.sessionWindow);
    return true;
  }

  /** True if `id` was this lane's request for a session. Waiting calls fail with a refusal that time cannot cure. */
  sessionRefused(id: number, link: LinkId, error: WireError): boolean {
    if (this.#opening?.id !== id || this.#opening.link !== link) return false;
    this.#opening = undefined;
    for (
      let call = this.#waiting.peek();
      call !== undefined && !error.retryable;
      call = this.#waiting.peek()
    ) {
      this.fail(call, answeredError(call, { ...error, outcome: 'not-applied' }, undefined));
    }
    return true;
  }

  #hasRoomFor(call: WriteCall): boolean {
    return this.#inFlightBytes === 0 || this.#inFlightBytes + call.bytes <= this.#limits.inFlightBytesMax;
  }

  #maybeOpenSession(link: LinkId, now: number): void {
    if (this.#opening !== undefined && now < this.#opening.deadline) return;
    const id = this.#ledger.nextId();
    this.#opening = { id, link, deadline: now + SESSION_OPEN_MS };
    this.#frames.add(link, { kind: 'openSession', id, remainingMs: SESSION_OPEN_MS }, 0);
  }

  #resend(link: LinkId, now: number): void {
    this.#resendDue = false;
    const session = this.#session;
    if (session === undefined || session.window.held === 0) return;
    const under = { session: session.id, floor: session.window.floor };
    session.window.forEach((call) => {
      if (call.link === NO_LINK && call.deadline > now) this.#send(call, link, under, now);
    });
  }

  #send(call: WriteCall, link: LinkId, under: { session: SessionId; floor: number }, now: number): void {
    if (call.attempts > 0) this.#ledger.renew(call);
    call.link = link;
    call.attempts += 1;
    call.remainingMs = remainingMs(call.deadline, now, this.#limits.answerMarginMs);
    this.#frames.addWrite(link, under, call, call.bytes);
  }

  #loseAnswer(call: WriteCall): void {
    call.link = NO_LINK;
    call.mayBeLogged = true;
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
    if (call.session === undefined) this.#waiting.forget();
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
