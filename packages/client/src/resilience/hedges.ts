import { LatencyWindow } from './latency-window.ts';
import type { HedgeLimits } from './resilience-limits.ts';
import type { RetryBudget } from './retry-budget.ts';

/** Timers are no finer: what takes as long as most do must not be hedged for that. */
const TIMER_STEP_MS = 1;

/** What it needs to know of a read. */
export interface Hedgeable {
  readonly settled: boolean;
  /** Asked and not answered; otherwise it waits to be asked again, and a second copy would be its only one. */
  readonly isUnderWay: boolean;
  /** Of its newest attempt. */
  readonly sentAt: number;
}

interface Sent<Call> {
  readonly call: Call;
  readonly at: number;
}

/**
 * Says when a read that is not answered yet is asked of a second node as well (Dean and Barroso, *The Tail at Scale*):
 * after longer than most take, and never for more than a small share of all. The budget of repeats pays for it.
 */
export class Hedges<Call extends Hedgeable> {
  readonly #limits: HedgeLimits;
  readonly #budget: RetryBudget;
  readonly #latencies: LatencyWindow;
  /** First attempts not known to be answered, oldest first; those before the head are gone. */
  #sent: Sent<Call>[] = [];
  #head = 0;
  /** Second copies that may go: each read adds a share of one. */
  #share = 0;

  constructor(limits: HedgeLimits, budget: RetryBudget) {
    this.#limits = limits;
    this.#budget = budget;
    this.#latencies = new LatencyWindow(limits.percentile);
  }

  get isOn(): boolean {
    return this.#limits.afterMs > 0 || this.#limits.percentile > 0;
  }

  /** Milliseconds from the first copy to the second; undefined: there is none yet. */
  get delayMs(): number | undefined {
    const { afterMs, percentile } = this.#limits;
    if (percentile === 0) return afterMs > 0 ? afterMs : undefined;
    const usual = this.#latencies.value;
    return usual === undefined ? undefined : Math.max(afterMs, usual + TIMER_STEP_MS);
  }

  /** The first copy of a read that others could answer as well. */
  sent(call: Call, now: number): void {
    if (!this.isOn) return;
    this.#share = Math.min(this.#limits.burstMax, this.#share + this.#limits.shareMax);
    this.#sent.push({ call, at: now });
  }

  /** Counted from its first copy, whichever was answered. */
  answered(latencyMs: number): void {
    if (this.#limits.percentile > 0) this.#latencies.add(latencyMs);
  }

  /** Reads whose second copy may go now. Whoever is given one says so with `hedged` if it goes. */
  due(now: number): Call[] {
    const { delayMs } = this;
    const due: Call[] = [];
    for (let sent = this.#peek(); sent !== undefined; sent = this.#peek()) {
      if (delayMs === undefined || now - sent.at < delayMs) break;
      // It has had its chance: by the time that there is room again others are in more need.
      this.#head += 1;
      if (this.#share >= due.length + 1 && this.#budget.tokens >= due.length + 1) due.push(sent.call);
    }
    this.#compact();
    return due;
  }

  /** A second copy goes. */
  hedged(): void {
    this.#share -= 1;
    this.#budget.take();
  }

  /** When `due` has more to say; undefined: not before a read is sent or answered. */
  get dueAt(): number | undefined {
    const first = this.#peek();
    const { delayMs } = this;
    return first === undefined || delayMs === undefined ? undefined : first.at + delayMs;
  }

  /** The oldest one that is still awaited. */
  #peek(): Sent<Call> | undefined {
    for (;;) {
      const sent = this.#sent[this.#head];
      if (sent === undefined) return undefined;
      const { settled, isUnderWay, sentAt } = sent.call;
      if (!settled && isUnderWay && sentAt === sent.at) return sent;
      this.#head += 1;
    }
  }

  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#sent.length) return;
    this.#sent = this.#sent.slice(this.#head);
    this.#head = 0;
  }
}
