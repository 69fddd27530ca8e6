import { assert, type Revision } from '@holdfast/types';
import { GatedQueue } from '../resilience/gated-queue.ts';
import type { Hedges } from '../resilience/hedges.ts';
import type { Resilience } from '../resilience/resilience.ts';
import { type LinkId, NO_LINK, type ReadCall, type RoutableCall, type ScanCall } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import type { ClientLimits } from './client-limits.ts';
import type { FrameWriter } from './frame-writer.ts';
import { isForPrimary, type ReadRoutes } from './read-routes.ts';
import type { SessionToken } from './session-token.ts';
import { remainingMs } from './write-lane.ts';

/** Room that an opening takes on the wire, roughly, beside its bounds. */
const OPENING_BYTES = 256;

/**
 * Reads of keys, and openings of range reads and snapshots. Linearizable ones wait for a primary, unless they prefer a
 * standby, which asks the primary; the others go where they prefer, and to whoever is there if that cannot be. A lost or refused read is simply asked again.
 */
export class ReadLane {
  readonly #limits: ClientLimits;
  readonly #isForKeys: boolean;
  readonly #inFlightMax: number;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #token: SessionToken;
  readonly #resilience: Resilience;
  readonly #hedges: Hedges<ReadCall>;
  readonly #forPrimary: GatedQueue<RoutableCall>;
  readonly #forAnybody: GatedQueue<RoutableCall>;
  /** Pausing after a refusal, or for want of a token for the next attempt. */
  #pausing: RoutableCall[] = [];
  /** Scans without a first page, snapshots not taken and watches of now not begun yet, oldest first. */
  readonly #openings = new Set<RoutableCall>();
  #inFlight = 0;

  constructor(parts: {
    readonly limits: ClientLimits;
    /** Its calls are reads of keys; openings otherwise. */
    readonly isForKeys: boolean;
    readonly inFlightMax: number;
    readonly ledger: CallLedger;
    readonly frames: FrameWriter;
    readonly token: SessionToken;
    readonly resilience: Resilience;
    readonly hedges: Hedges<ReadCall>;
  }) {
    const { limits, isForKeys, inFlightMax, ledger, frames, token, resilience, hedges } = parts;
    this.#limits = limits;
    this.#isForKeys = isForKeys;
    this.#inFlightMax = inFlightMax;
    this.#ledger = ledger;
    this.#frames = frames;
    this.#token = token;
    this.#resilience = resilience;
    this.#hedges = hedges;
    const { marginMs } = limits.resilience.release;
    this.#forPrimary = new GatedQueue(resilience.primaryGate, marginMs);
    this.#forAnybody = new GatedQueue(resilience.anyGate, marginMs);
  }

  /** Calls that wait for a primary; and those that wait for any node. Those that pause are among them. */
  get waiting(): { readonly forPrimary: number; readonly forAnybody: number } {
    const pausing = this.#pausing.filter((call) => !call.settled);
    const forPrimary = pausing.filter(isForPrimary).length;
    return {
      forPrimary: this.#forPrimary.length + forPrimary,
      forAnybody: this.#forAnybody.length + pausing.length - forPrimary,
    };
  }

  /** Calls of either kind that waited through an outage and are still held back. */
  get late(): { readonly forPrimary: number; readonly forAnybody: number } {
    return { forPrimary: this.#forPrimary.lateLength, forAnybody: this.#forAnybody.lateLength };
  }

  /** There is a primary again; or any node. */
  dividePrimary(): void {
    this.#endPauses(isForPrimary);
    // Writes wait for the answer of an opening that was issued before them, so that this one must not wait long.
    const { primaryGate } = this.#resilience;
    this.#forPrimary.divide((call) => isOfNow(call) && primaryGate.isOvertaken);
  }

  divideAnybody(): void {
    this.#endPauses((call) => !isForPrimary(call));
    this.#forAnybody.divide();
  }

  /**
   * Writes issued after it must wait: a range read or snapshot sees the state of when it was asked for, a watch tells
   * what comes after that, and neither is known to be taken before its answer is here.
   */
  get writeBarrier(): number {
    if (this.#openings.size === 0) return Number.POSITIVE_INFINITY;
    for (const opening of this.#openings) return opening.order;
    return Number.POSITIVE_INFINITY;
  }

  enqueue(call: RoutableCall): void {
    if (isOfNow(call)) this.#openings.add(call);
    this.#queueOf(call).push(call);
  }

  flush(routes: ReadRoutes, now: number): void {
    this.#drain(this.#forPrimary, routes, now);
    this.#drain(this.#forAnybody, routes, now);
  }

  /** A new primary: linearizable reads asked elsewhere, and all that the old one owes, are asked again. */
  retarget(links: { from: LinkId; to: LinkId }): void {
    this.#takeBack((call) => call.link !== links.to && (isForPrimary(call) || call.link === links.from));
  }

  /** Returns how many answers are lost with it. */
  linkDown(link: LinkId): number {
    return this.#takeBack((call) => call.link === link, link);
  }

  /**
   * Its node keeps silent: what it was asked goes elsewhere, if there are others. What only the primary can answer, too: it
   * may be silent for this client alone, and others ask it.
   */
  linkSilent(link: LinkId): void {
    this.#takeBack((call) => call.link === link, link);
  }

  /** Asks again, not before `retryAt` and elsewhere if possible. The call has been answered. */
  retry(call: RoutableCall, options: { avoid: LinkId; retryAt: number }): void {
    this.#leaveLink(call);
    call.avoid = options.avoid;
    call.retryAt = options.retryAt;
    if (options.retryAt === 0) this.#queueOf(call).restore([call]);
    else this.#pausing.push(call);
  }

  /** Asks again for nothing: the call was answered, and what it was answered is a reason to ask on. */
  askOn(call: RoutableCall, options: { retryAt: number }): void {
    call.term = -1;
    this.retry(call, { avoid: NO_LINK, retryAt: options.retryAt });
  }

  /** They turn to whoever is there, of whom the one they waited for has the least to say. */
  degrade(calls: readonly RoutableCall[], primary: LinkId, now: number): void {
    const queued = new Set<RoutableCall>();
    const taken: RoutableCall[] = [];
    for (const call of calls) {
      call.avoid = call.link === NO_LINK ? primary : call.link;
      if (call.link !== NO_LINK) {
        this.#leaveLink(call);
        taken.push(call);
      } else if (call.retryAt > 0) {
        call.retryAt = now;
      } else if (isForPrimary(call)) {
        queued.add(call);
      }
    }
    if (queued.size > 0) taken.push(...this.#forPrimary.extract((call) => queued.has(call)));
    for (const call of calls) call.degrade();
    this.#forAnybody.restore(taken);
    this.tick(now);
  }

  tick(now: number): void {
    if (this.#pausing.length > 0) this.#endPauses((call) => call.retryAt <= now);
  }

  /** Its state is held; the first page comes when it comes. */
  opened(call: ScanCall): void {
    call.isOpened = true;
    this.#openings.delete(call);
    this.#inFlight -= 1;
  }

  /** The call has settled. */
  release(call: RoutableCall): void {
    if (call.kind === 'scan' && call.isOpened) return;
    this.#openings.delete(call);
    if (call.link !== NO_LINK) this.#leaveLink(call);
    else if (call.retryAt === 0) this.#queueOf(call).forget(call);
  }

  /** After an outage also of those whose time has not come: they waited through it, too, and do not all go when it comes. */
  #endPauses(isOver: (call: RoutableCall) => boolean): void {
    const pausing = this.#pausing.filter((call) => !call.settled);
    this.#pausing = pausing.filter((call) => !isOver(call));
    for (const call of pausing) {
      if (!isOver(call)) continue;
      call.retryAt = 0;
      this.#queueOf(call).restore([call]);
    }
  }

  #queueOf(call: RoutableCall): GatedQueue<RoutableCall> {
    return isForPrimary(call) ? this.#forPrimary : this.#forAnybody;
  }

  #drain(queue: GatedQueue<RoutableCall>, routes: ReadRoutes, now: number): void {
    if (queue.length === 0) return;
    while (this.#inFlight < this.#inFlightMax) {
      const call = queue.peek(now);
      if (call === undefined) return;
      // Its deadline has passed, which the next tick says; or it has no token for another attempt.
      if (call.deadline <= now || !this.#resilience.retries.allows(call, routes.term)) {
        queue.take(call, now);
        call.retryAt = now + this.#limits.tickMs;
        this.#pausing.push(call);
        continue;
      }
      const link = isForPrimary(call) ? routes.forPrimary(call, now) : routes.forAnybody(call, now);
      if (link === NO_LINK) return;
      queue.take(call, now);
      this.#resilience.retries.admit(call, routes.term);
      this.#send(call, link, routes, now);
    }
  }

  #send(call: RoutableCall, link: LinkId, routes: ReadRoutes, now: number): void {
    // What a node may still say to what it was asked before is no answer to what it is asked now; and one that opens late
    // what was asked for before would take the same id for a mistake.
    if (call.attempts > 1) this.#ledger.renew(call);
    call.link = link;
    call.sentAt = now;
    // A range may take its time, and a full lane for range reads says nothing about the rest.
    if (call.kind === 'read') {
      routes.breakerOf(link)?.sent(now);
      if (call.attempts === 1) {
        call.firstSentAt = now;
        this.#hedges.sent(call, now);
      }
    }
    call.remainingMs = remainingMs(call.deadline, now, this.#limits.answerMarginMs);
    // A watch goes on from its own position, whatever else this client has seen.
    const isOfSession = call.consistency === 'session' && call.kind !== 'watch';
    const own = isOfSession ? this.#token.revision : call.after;
    call.needed = Math.max(own, call.after) as Revision;
    call.token = isOfSession ? this.#token.asked(call.after, call.provenTo) : call.needed;
    call.tokenEpoch = this.#token.epoch;
    this.#inFlight += 1;
    if (call.kind === 'read') this.#frames.addRead(link, call);
    else this.#frames.addRequest(link, call, call.request, OPENING_BYTES + call.bytes);
  }

  #leaveLink(call: RoutableCall): void {
    assert(call.link !== NO_LINK, 'the read was not sent');
    call.link = NO_LINK;
    if (call.kind === 'read') call.hedgeLink = NO_LINK;
    this.#inFlight -= 1;
  }

  /** Returns how many there were. `lost`: nothing comes over that link; a second copy over another may be answered yet. */
  #takeBack(where: (call: RoutableCall) => boolean, lost: LinkId = NO_LINK): number {
    let promoted = 0;
    const forPrimary: RoutableCall[] = [];
    const forAnybody: RoutableCall[] = [];
    this.#ledger.forEach((call) => {
      if (call.kind === 'write' || call.kind === 'bound') return;
      if ((call.kind === 'read') !== this.#isForKeys) return;
      if (call.kind === 'scan' && call.isOpened) return;
      if (call.kind === 'read' && call.hedgeLink === lost) call.hedgeLink = NO_LINK;
      if (call.link === NO_LINK || !where(call)) return;
      if (call.kind === 'read' && lost !== NO_LINK && call.hedgeLink !== NO_LINK) {
        call.promoteHedge();
        promoted += 1;
        return;
      }
      call.avoid = call.link;
      this.#leaveLink(call);
      if (isForPrimary(call)) forPrimary.push(call);
      else forAnybody.push(call);
    });
    this.#forPrimary.restore(forPrimary);
    this.#forAnybody.restore(forAnybody);
    return forPrimary.length + forAnybody.length + promoted;
  }
}

/** It is about a state that must be of when it was asked for. */
function isOfNow(call: RoutableCall): boolean {
  return call.kind === 'watch' ? call.from === undefined : call.kind !== 'read';
}
