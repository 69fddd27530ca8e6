import type { DegradationLimits } from '../resilience/resilience-limits.ts';
import { type AnyCall, NO_LINK, type RoutableCall } from './call.ts';

/** For how long nobody has been in reach, milliseconds; 0: somebody is. */
export interface Outage {
  /** That is a primary, and not left out. */
  readonly noPrimaryMs: number;
  /** At all. */
  readonly noNodeMs: number;
}

/** What is to become of calls now. */
export interface Alternatives {
  /** To be asked again, of anybody. */
  readonly degrade: readonly RoutableCall[];
  /** To be told that there is no primary. */
  readonly fail: readonly AnyCall[];
}

/** A call whose caller has said what to do when there is no primary. */
interface Chooser {
  readonly call: AnyCall;
  /** So long an outage makes it turn to a standby, milliseconds: not the same for all that wait. */
  readonly patienceMs: number;
  /** Then it turns to a standby whatever the matter is: its deadline is near. */
  readonly lastChanceAt: number;
}

/**
 * Decides when calls that would rather have less, or nothing, than wait for a primary are given that. An outage counts
 * once it has lasted for `afterMs`, so that an ordinary failover is not seen; those that have waited through that turn to
 * standbys at random moments of a tenth as much, for these must not meet them all at once. Pure: told the time.
 */
export class Degrader {
  readonly #limits: DegradationLimits;
  /** In [0, 1). */
  readonly #random: () => number;
  #issued: AnyCall[] = [];
  #choosers: Chooser[] = [];

  constructor(limits: DegradationLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Calls that it keeps an eye on. */
  get size(): number {
    return this.#issued.length + this.#choosers.length;
  }

  /** Issued in this turn. */
  admit(call: AnyCall): void {
    if (call.whenNoPrimary === 'fail' || mayDegrade(call)) this.#issued.push(call);
  }

  /** To be asked when all that can be sent has been. */
  due(outage: Outage, now: number): Alternatives {
    this.#takeIn(now);
    const degrade: RoutableCall[] = [];
    const fail: AnyCall[] = [];
    let living = 0;
    for (const chooser of this.#choosers) {
      const { call } = chooser;
      if (call.settled) continue;
      this.#choosers[living] = chooser;
      living += 1;
      if (this.#turns(chooser, outage, now)) degrade.push(call as RoutableCall);
      else if (this.#fails(call, outage)) fail.push(call);
    }
    this.#choosers.length = living;
    return { degrade, fail };
  }

  #takeIn(now: number): void {
    if (this.#issued.length === 0) return;
    const { afterMs, jitterShare, reserveShare, reserveMsMax } = this.#limits;
    for (const call of this.#issued) {
      const patienceMs = afterMs * (1 + jitterShare * this.#random());
      const reserveMs = Math.min(reserveMsMax, (call.deadline - now) * reserveShare);
      this.#choosers.push({ call, patienceMs, lastChanceAt: call.deadline - reserveMs });
    }
    this.#issued = [];
  }

  /** A read that nobody can be asked, or that was asked in vain, is to be answered by whoever is there. */
  #turns(
    { call, patienceMs, lastChanceAt }: Chooser,
    { noPrimaryMs, noNodeMs }: Outage,
    now: number,
  ): boolean {
    if (!mayDegrade(call) || call.isDegraded || noNodeMs > 0) return false;
    if (call.kind === 'scan' && call.isOpened) return false;
    if (now >= lastChanceAt) return true;
    if (noPrimaryMs < patienceMs) return false;
    // Somebody who has not heard yet of the outage may sit on it.
    return call.link === NO_LINK || now - call.sentAt >= patienceMs;
  }

  /** What was sent is waited for: its answer is worth more than a word that there is none. */
  #fails(call: AnyCall, { noPrimaryMs, noNodeMs }: Outage): boolean {
    if (call.whenNoPrimary !== 'fail' || call.link !== NO_LINK) return false;
    const { afterMs } = this.#limits;
    if (noNodeMs > 0 && noNodeMs >= afterMs) return call.kind !== 'write' || !call.mayBeLogged;
    if (noPrimaryMs === 0 || noPrimaryMs < afterMs) return false;
    if (call.kind === 'write') return !call.mayBeLogged;
    return call.kind !== 'bound' && call.consistency !== 'eventual' && !call.mayDegrade;
  }
}

function mayDegrade(call: AnyCall): call is RoutableCall {
  return call.kind !== 'write' && call.kind !== 'bound' && call.mayDegrade;
}
