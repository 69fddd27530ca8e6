import type { BreakerLimits } from './resilience-limits.ts';

/** Asked as ever; left out; asked by one call, whose answer decides. */
export type BreakerState = 'closed' | 'open' | 'half-open';
/** Why a node is left out: it refuses or loses what it is asked, answers late, or says nothing at all. */
export type BreakerCause = 'failures' | 'slow' | 'silent';

/** Answers of half a window. */
interface HalfWindow {
  answers: number;
  failures: number;
  slow: number;
}

/**
 * The circuit breaker of one node (Nygard, *Release It!*): judges its answers over a sliding window, in two halves, and
 * leaves it out when too many fail or are slow. After a pause one call goes there as a probe; what becomes of it closes
 * the breaker, or opens it for longer.
 */
export class NodeBreaker {
  readonly #limits: BreakerLimits;
  /** In [0, 1). */
  readonly #random: () => number;
  #state: BreakerState = 'closed';
  #cause: BreakerCause | undefined;
  #before: HalfWindow = { answers: 0, failures: 0, slow: 0 };
  #current: HalfWindow = { answers: 0, failures: 0, slow: 0 };
  #halfBegan = 0;
  /** The oldest call since the last answer was sent then. */
  #awaitedSince: number | undefined;
  #probeAt = 0;
  #openMs: number;

  constructor(limits: BreakerLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#openMs = limits.openMsMin;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Undefined while closed. */
  get cause(): BreakerCause | undefined {
    return this.#cause;
  }

  /** What only this node can do is held back, too: it would be lost there. A slow node is still better than none. */
  get holdsBack(): boolean {
    return this.#state !== 'closed' && this.#cause !== 'slow';
  }

  /** The oldest call since the last answer was sent then. */
  get awaitedSince(): number | undefined {
    return this.#awaitedSince;
  }

  /** Something was sent whose answer does not depend on others than this node. */
  sent(now: number): void {
    this.#awaitedSince ??= now;
  }

  /** So many answers came together, the first of them after `latencyMs` and, if `served`, with what was asked for. */
  answered(
    answers: number,
    first: { readonly latencyMs: number; readonly served: boolean },
    now: number,
  ): void {
    this.#awaitedSince = undefined;
    const isSlow = first.latencyMs >= this.#limits.slowMs;
    this.#current.answers += answers;
    if (isSlow) this.#current.slow += answers;
    if (this.#state !== 'closed' && now >= this.#probeAt) this.#onProbe(first.served && !isSlow, now);
  }

  /** An answer, counted as such already, was a refusal for want of capacity. */
  refused(): void {
    this.#current.failures += 1;
  }

  /** So many answers will not come: they are late, or were lost with their link. */
  missed(answers: number, now: number): void {
    this.#current.answers += answers;
    this.#current.failures += answers;
    if (this.#state === 'half-open') this.#onProbe(false, now);
  }

  /** Nothing at all has come from it for longer than it may take; or something has again. */
  silent(isSilent: boolean, now: number): void {
    if (isSilent) this.#open('silent', now);
    else if (this.#cause === 'silent') this.#close();
  }

  /** It has welcomed the client over a new link: what was asked over an older one is not awaited, nor its silence remembered. */
  relinked(): void {
    // A probe that was given up has nothing but this to say that it failed.
    if (this.#state !== 'half-open') this.#awaitedSince = undefined;
    if (this.#cause === 'silent') this.#close();
  }

  /** To be called from time to time. */
  tick(now: number): void {
    const { windowMs, slowMs } = this.#limits;
    const isStuck = this.#awaitedSince !== undefined && now - this.#awaitedSince >= slowMs;
    if (this.#state === 'closed') {
      const cause = isStuck ? 'slow' : this.#verdict();
      if (cause !== undefined) this.#open(cause, now);
    } else if (this.#state === 'half-open' && isStuck && now >= this.#probeAt + slowMs) {
      this.#onProbe(false, now);
    }
    if (now - this.#halfBegan < windowMs / 2) return;
    this.#halfBegan = now;
    this.#before = this.#current;
    this.#current = { answers: 0, failures: 0, slow: 0 };
  }

  /** It is time to let one call through. */
  mayProbe(now: number): boolean {
    return this.#state === 'open' && now >= this.#probeAt;
  }

  /** One call goes there. */
  probing(now: number): void {
    this.#state = 'half-open';
    this.#probeAt = now;
    this.#awaitedSince = now;
  }

  /** It has another part now than the one it was judged in. */
  reset(): void {
    this.#close();
    this.#awaitedSince = undefined;
  }

  #verdict(): BreakerCause | undefined {
    const { callsMin, failureShare, slowShare } = this.#limits;
    const answers = this.#before.answers + this.#current.answers;
    if (answers < callsMin) return undefined;
    if (this.#before.failures + this.#current.failures >= answers * failureShare) return 'failures';
    return this.#before.slow + this.#current.slow >= answers * slowShare ? 'slow' : undefined;
  }

  #onProbe(succeeded: boolean, now: number): void {
    if (succeeded && this.#cause !== 'silent') this.#close();
    else this.#open(this.#cause ?? 'failures', now);
  }

  #open(cause: BreakerCause, now: number): void {
    if (this.#state !== 'closed') this.#openMs = Math.min(this.#openMs * 2, this.#limits.openMsMax);
    this.#state = 'open';
    this.#cause = cause;
    this.#probeAt = now + this.#openMs * (0.5 + this.#random() / 2);
  }

  #close(): void {
    this.#state = 'closed';
    this.#cause = undefined;
    this.#openMs = this.#limits.openMsMin;
    this.#before = { answers: 0, failures: 0, slow: 0 };
    this.#current = { answers: 0, failures: 0, slow: 0 };
  }
}
