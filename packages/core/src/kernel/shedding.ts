import type { WireError } from '@holdfast/types';
import { wireError } from './wire-errors.ts';

/** What of the work that comes is begun. */
export interface SheddingLimits {
  /** A write may wait so long to be logged, milliseconds. */
  readonly shedQueueMs: number;
  /** The event loop may be so late, milliseconds. */
  readonly shedLoopMs: number;
}

/** What waits counts if it was never less for so long, ms: a burst is no overload (CoDel: the least in an interval). */
const INTERVAL_MS = 500;
/** And was looked at so often: one long stop is no overload either. */
const SAMPLES_MIN = 4;
/** What waits beyond the bound is to be gone after so long. */
const DRAIN_MS = 1000;
const RETRY_AFTER_MS = 100;
/** Share of the work refused at first, and at most; and below which none is. */
const SHARE_FIRST = 0.1;
const SHARE_MAX = 0.95;
const SHARE_LEAST = 0.03;

/**
 * Refuses a share of new work while what is there waits too long, before queues or the event loop grow further. The
 * delay is judged as CoDel does (Nichols and Jacobson, *Controlling Queue Delay*, 2012): by its least value over an
 * interval. What replicates is never asked, nor is a repeat of what was admitted.
 */
export class Shedding {
  readonly #limits: SheddingLimits;
  #intervalBegan: number;
  #ticks = 0;
  #leastLateMs = Number.POSITIVE_INFINITY;
  #loopShare = 0;
  #leastQueued = Number.POSITIVE_INFINITY;
  #queueShare = 0;
  /** New writes in this interval, and those logged in it. */
  #asked = 0;
  #done = 0;
  /** Writes wait and none was logged, for so long. */
  #stalledMs = 0;
  /** Refusals owed: each request adds its share, and a whole one is refused. */
  #owedWrites = 0;
  #owedReads = 0;

  constructor(limits: SheddingLimits, now: number) {
    this.#limits = limits;
    this.#intervalBegan = now;
  }

  /** Share of new writes refused now. */
  get writeShare(): number {
    return Math.max(this.#queueShare, this.#loopShare);
  }

  /** Of reads: they do not wait for the log. */
  get readShare(): number {
    return this.#loopShare;
  }

  /** `lateMs`: how much later than it should this tick came. */
  tick(now: number, lateMs: number): void {
    this.#leastLateMs = Math.min(this.#leastLateMs, lateMs);
    this.#ticks += 1;
    const elapsedMs = now - this.#intervalBegan;
    if (elapsedMs < INTERVAL_MS || this.#ticks < SAMPLES_MIN) return;
    this.#loopShare = this.#nextLoopShare();
    this.#queueShare = this.#nextQueueShare(elapsedMs);
    this.#intervalBegan = now;
    this.#ticks = 0;
    this.#leastLateMs = Number.POSITIVE_INFINITY;
    this.#leastQueued = Number.POSITIVE_INFINITY;
    this.#asked = 0;
    this.#done = 0;
  }

  /** At a tick of a primary: how many writes wait to be logged, and how many were since the last tick. */
  queued(state: { readonly waiting: number; readonly done: number }): void {
    this.#leastQueued = Math.min(this.#leastQueued, state.waiting);
    this.#done += state.done;
  }

  refusesWrite(): WireError | undefined {
    this.#asked += 1;
    this.#owedWrites += this.writeShare;
    if (this.writeShare === 0 || this.#owedWrites < 1) return undefined;
    this.#owedWrites -= 1;
    return overloaded();
  }

  /** `weight`: how much it costs, in reads of keys. */
  refusesRead(weight: number): WireError | undefined {
    this.#owedReads += Math.min(1, this.readShare * weight);
    if (this.readShare === 0 || this.#owedReads < 1) return undefined;
    this.#owedReads -= 1;
    return overloaded();
  }

  #nextLoopShare(): number {
    const { shedLoopMs } = this.#limits;
    if (this.#leastLateMs > shedLoopMs)
      return Math.min(SHARE_MAX, Math.max(SHARE_FIRST, this.#loopShare * 2));
    return this.#leastLateMs < shedLoopMs / 2 ? calmed(this.#loopShare) : this.#loopShare;
  }

  /** What is let in is measured by what is done: guesses would go up and down with the queue. */
  #nextQueueShare(elapsedMs: number): number {
    const { shedQueueMs } = this.#limits;
    const delayMs = this.#delayMs(elapsedMs);
    // Between half the bound and the bound nobody is refused who was not before, and nothing ends.
    if (delayMs < shedQueueMs / 2) return calmed(this.#queueShare);
    if (delayMs <= shedQueueMs && this.#queueShare === 0) return 0;
    const excess = Math.min(1, Math.max(0, delayMs - shedQueueMs / 2) / DRAIN_MS);
    return Math.min(SHARE_MAX, Math.max(0, 1 - (this.#done * (1 - excess)) / Math.max(1, this.#asked)));
  }

  /** How long a write waits, by how many wait and how many are done (Little's law). */
  #delayMs(elapsedMs: number): number {
    const waiting = this.#leastQueued;
    if (waiting === Number.POSITIVE_INFINITY || waiting === 0 || this.#done > 0) this.#stalledMs = 0;
    else this.#stalledMs += elapsedMs;
    if (waiting === Number.POSITIVE_INFINITY || waiting === 0) return 0;
    return this.#done === 0 ? this.#stalledMs : (waiting * elapsedMs) / this.#done;
  }
}

function calmed(share: number): number {
  return share / 2 < SHARE_LEAST ? 0 : share / 2;
}

function overloaded(): WireError {
  return wireError('HOLDFAST_OVERLOADED', 'requests wait too long here: some are refused', {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
