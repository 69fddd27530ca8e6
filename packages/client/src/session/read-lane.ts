import { assert, type Revision } from '@holdfast/types';
import { type LinkId, NO_LINK, type RoutableCall } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import { CallQueue } from './call-queue.ts';
import type { ClientLimits } from './client-limits.ts';
import type { FrameWriter } from './frame-writer.ts';
import { chooseLink, isForPrimary, type ReadRoutes } from './read-routes.ts';
import type { SessionToken } from './session-token.ts';
import { remainingMs } from './write-lane.ts';

/** Room that an opening takes on the wire, roughly. */
const OPENING_BYTES = 256;

/**
 * Reads of keys, and openings of range reads and snapshots. Linearizable ones wait for a primary, unless they prefer a
 * standby, which asks the primary; the others go where they prefer, and to whoever is there if that cannot be. A lost or refused read is simply asked again.
 */
export class ReadLane {
  readonly #limits: ClientLimits;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #token: SessionToken;
  readonly #forPrimary = new CallQueue<RoutableCall>();
  readonly #forAnybody = new CallQueue<RoutableCall>();
  /** Pausing after a refusal. */
  #pausing: RoutableCall[] = [];
  /** Scans without a first page and snapshots not taken yet, oldest first. */
  readonly #openings = new Set<RoutableCall>();
  #inFlight = 0;

  constructor(limits: ClientLimits, ledger: CallLedger, frames: FrameWriter, token: SessionToken) {
    this.#limits = limits;
    this.#ledger = ledger;
    this.#frames = frames;
    this.#token = token;
  }

  /**
   * Writes issued after it must wait: a range read or snapshot sees the state of when it was asked for, and is
   * only known to be taken once its answer is here.
   */
  get writeBarrier(): number {
    if (this.#openings.size === 0) return Number.POSITIVE_INFINITY;
    for (const opening of this.#openings) return opening.order;
    return Number.POSITIVE_INFINITY;
  }

  enqueue(call: RoutableCall): void {
    if (call.kind !== 'read') this.#openings.add(call);
    this.#queueOf(call).push(call);
  }

  flush(routes: ReadRoutes, now: number): void {
    if (routes.primary !== NO_LINK) this.#drain(this.#forPrimary, routes, now);
    if (routes.all.length > 0) this.#drain(this.#forAnybody, routes, now);
  }

  /** A new primary: linearizable reads asked elsewhere, and all that the old one owes, are asked again. */
  retarget(links: { from: LinkId; to: LinkId }): void {
    this.#takeBack((call) => call.link !== links.to && (isForPrimary(call) || call.link === links.from));
  }

  linkDown(link: LinkId): void {
    this.#takeBack((call) => call.link === link);
  }

  /** Its node keeps silent: what others can answer as well goes there, if there are others. */
  linkSilent(link: LinkId): void {
    this.#takeBack((call) => call.link === link && !isForPrimary(call));
  }

  /** Asks again, not before `retryAt` and elsewhere if possible. The call has been answered. */
  retry(call: RoutableCall, options: { avoid: LinkId; retryAt: number }): void {
    this.#leaveLink(call);
    call.avoid = options.avoid;
    call.retryAt = options.retryAt;
    if (options.retryAt === 0) this.#queueOf(call).restore([call]);
    else this.#pausing.push(call);
  }

  tick(now: number): void {
    if (this.#pausing.length === 0) return;
    const due = this.#pausing.filter((call) => !call.settled && call.retryAt <= now);
    this.#pausing = this.#pausing.filter((call) => !call.settled && call.retryAt > now);
    for (const call of due) {
      call.retryAt = 0;
      this.#queueOf(call).restore([call]);
    }
  }

  /** The call has settled. */
  release(call: RoutableCall): void {
    if (call.kind !== 'read') this.#openings.delete(call);
    if (call.link !== NO_LINK) this.#leaveLink(call);
    else if (call.retryAt === 0) this.#queueOf(call).forget();
  }

  #queueOf(call: RoutableCall): CallQueue<RoutableCall> {
    return isForPrimary(call) ? this.#forPrimary : this.#forAnybody;
  }

  #drain(queue: CallQueue<RoutableCall>, routes: ReadRoutes, now: number): void {
    while (this.#inFlight < this.#limits.readsInFlightMax) {
      const call = queue.shift();
      if (call === undefined) return;
      this.#send(call, chooseLink(call, routes), now);
    }
  }

  #send(call: RoutableCall, link: LinkId, now: number): void {
    assert(link !== NO_LINK, 'a read was sent nowhere');
    call.link = link;
    call.attempts += 1;
    call.remainingMs = remainingMs(call.deadline, now, this.#limits.answerMarginMs);
    const own = call.consistency === 'session' ? this.#token.revision : call.after;
    call.needed = Math.max(own, call.after) as Revision;
    const isUnproven = call.consistency === 'session' && this.#token.asked < own;
    call.token = isUnproven ? this.#token.asked : call.needed;
    call.tokenEpoch = this.#token.epoch;
    this.#inFlight += 1;
    if (call.kind === 'read') this.#frames.addRead(link, call, call.bytes);
    else this.#frames.add(link, call.request, OPENING_BYTES);
  }

  #leaveLink(call: RoutableCall): void {
    assert(call.link !== NO_LINK, 'the read was not sent');
    call.link = NO_LINK;
    this.#inFlight -= 1;
  }

  #takeBack(where: (call: RoutableCall) => boolean): void {
    const forPrimary: RoutableCall[] = [];
    const forAnybody: RoutableCall[] = [];
    this.#ledger.forEach((call) => {
      if (call.kind === 'write' || call.kind === 'bound') return;
      if (call.link === NO_LINK || !where(call)) return;
      call.avoid = call.link;
      this.#leaveLink(call);
      if (isForPrimary(call)) forPrimary.push(call);
      else forAnybody.push(call);
    });
    this.#forPrimary.restore(forPrimary);
    this.#forAnybody.restore(forAnybody);
  }
}
