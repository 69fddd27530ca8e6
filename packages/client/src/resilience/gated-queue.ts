import { CallQueue, type Queued } from '../session/call-queue.ts';
import type { ReleaseGate } from './release-gate.ts';

interface Waiting extends Queued {
  readonly deadline: number;
  isLate: boolean;
}

/**
 * Calls that wait to be sent: those that waited through an outage apart from those issued since, since a gate lets the
 * former go only little by little. Each kind goes in its order of issue.
 */
export class GatedQueue<Call extends Waiting> {
  readonly #gate: ReleaseGate;
  readonly #marginMs: number;
  #fresh = new CallQueue<Call>();
  #late = new CallQueue<Call>();
  /** Late, and not to be sent any more: they wait for their deadline. */
  readonly #doomed = new Set<Call>();

  /** `marginMs`: time that a call must have left to be worth a place among those that may go. */
  constructor(gate: ReleaseGate, marginMs: number) {
    this.#gate = gate;
    this.#marginMs = marginMs;
  }

  get length(): number {
    return this.#fresh.length + this.#late.length;
  }

  get lateLength(): number {
    return this.#late.length;
  }

  /** The newest of its kind. */
  push(call: Call): void {
    this.#queueOf(call).push(call);
  }

  /** The outage is over: whatever waits has waited through it. `isHurried`: goes with the new ones nevertheless. */
  divide(isHurried: (call: Call) => boolean = never): void {
    const waiting = this.#fresh.all();
    this.#fresh = new CallQueue();
    for (const call of waiting) {
      call.isLate = !isHurried(call);
      this.#queueOf(call).restore([call]);
    }
  }

  /** The next one that may go, left in the queue. */
  peek(now: number): Call | undefined {
    if (this.#gate.isDraining) this.#dropHopeless(now);
    const late = this.#late.peek();
    if (late !== undefined && this.#gate.admits(true, now)) return late;
    const fresh = this.#fresh.peek();
    return fresh !== undefined && this.#gate.admits(false, now) ? fresh : undefined;
  }

  /** Whatever waits, whether it may go or not. */
  all(): Call[] {
    return [...this.#doomed, ...this.#late.all(), ...this.#fresh.all()];
  }

  /** Takes out what `peek` gave. */
  take(call: Call, now: number): void {
    this.#gate.went(call.isLate, now);
    this.#queueOf(call).shift();
  }

  /** Takes out those, wherever they wait, without a word to the gate: they go another way. */
  extract(where: (call: Call) => boolean): Call[] {
    const extracted = [...this.#late.extract(where), ...this.#fresh.extract(where)];
    for (const call of this.#doomed) {
      if (!where(call)) continue;
      this.#doomed.delete(call);
      extracted.push(call);
    }
    for (const call of extracted) call.isLate = false;
    return extracted;
  }

  /** Puts calls back that had left the queue, where their order of issue belongs. */
  restore(calls: readonly Call[]): void {
    for (const call of calls) this.#queueOf(call).restore([call]);
  }

  /** One call of this queue has settled. */
  forget(call: Call): void {
    if (this.#doomed.size > 0 && this.#doomed.delete(call)) return;
    this.#queueOf(call).forget();
  }

  #queueOf(call: Call): CallQueue<Call> {
    return call.isLate ? this.#late : this.#fresh;
  }

  #dropHopeless(now: number): void {
    for (let call = this.#late.peek(); call !== undefined; call = this.#late.peek()) {
      if (call.deadline - now >= this.#marginMs) return;
      this.#late.shift();
      this.#doomed.add(call);
    }
  }
}

function never(): boolean {
  return false;
}
