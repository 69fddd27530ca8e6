import { assert, type Clock, type Timer } from '@holdfast/types';
import { TimerHeap } from './clock/timer-heap.ts';

export interface SimClockOptions {
  /** Where `now` begins, milliseconds. */
  readonly startMs?: number;
  /** Wall time at the beginning, milliseconds since 1970. */
  readonly wallStartMs?: number;
}

/**
 * Timers fire at whole steps: sums and differences of times are exact then. Otherwise somebody who waits for a
 * moment that rounding put a hair's breadth ahead would be called again and again without time passing.
 */
const STEPS_PER_MS = 1024;

/** Timers that fire in one turn of the real event loop, each as an immediate of its own: a turn asks the system for news. */
const TIMERS_A_TURN = 32;

/** What was waited for did not come to be in its time. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

/**
 * Time that passes only when it is told to. Timers fire in the order of their due times, those of one
 * moment in the order they were set; after each one, everything that it made runnable (promises, microtasks)
 * runs to its end before the next, so that a run depends on nothing but its inputs.
 */
export class SimClock implements Clock {
  readonly #timers: TimerHeap = new TimerHeap();
  #now: number;
  #wallOffset: number;
  #fired = 0;
  /** Who lets time pass. */
  #drivers = 0;

  constructor(options: SimClockOptions = {}) {
    this.#now = options.startMs ?? 0;
    this.#wallOffset = (options.wallStartMs ?? Date.UTC(2030, 0, 1)) - this.#now;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now + this.#wallOffset;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    assert(!Number.isNaN(delayMs), 'a delay is a number');
    const dueAt = Math.ceil((this.#now + Math.max(0, delayMs)) * STEPS_PER_MS) / STEPS_PER_MS;
    return this.#timers.add(dueAt, callback);
  }

  /** Timers that have fired: what happened so far. */
  get fired(): number {
    return this.#fired;
  }

  /** Timers set and neither fired nor cancelled. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** An operator sets the wall clock: monotonic time and timers do not notice. */
  shiftWallTime(byMs: number): void {
    this.#wallOffset += byMs;
  }

  /** Lets so many milliseconds pass; 0 fires what is due now. */
  async advance(byMs: number): Promise<void> {
    assert(byMs >= 0, 'time does not go back');
    const end = this.#now + byMs;
    await this.#fireUntil(end, () => false);
    // Somebody else may have let more time pass meanwhile.
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Lets time pass until the condition holds; it is asked after every timer.
   * Throws OutOfTime when `limitMs` have passed, or no timer is left, without it; and what a timer's callback throws.
   */
  async runUntil(condition: () => boolean, options: { limitMs?: number } = {}): Promise<void> {
    const limitMs = options.limitMs ?? 60_000;
    if (await this.#fireUntil(this.#now + limitMs, condition)) return;
    const why = this.#timers.size === 0 ? 'no timer is left' : `${limitMs} ms have passed`;
    throw new OutOfTime(`the condition does not hold and ${why}: ${condition}`);
  }

  /** Lets time pass until the promise is settled, and gives what it came to. */
  async drive<Result>(promise: Promise<Result>, options: { limitMs?: number } = {}): Promise<Result> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await this.runUntil(() => settled, options);
    return promise;
  }

  /**
   * Runs all that is runnable without the passing of time. A turn of the real event loop is the only thing
   * that comes after every microtask, however many each of them queues.
   */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /**
   * Fires what is due at `until` or before, one after the other, until the condition holds, which is asked before each; says
   * whether it does. Between two immediates Node runs every promise and `nextTick` to its end, as it does between two turns of
   * the event loop. No promise of the clock's own is in the way. Several who let time pass at once take turns, one timer each.
   */
  #fireUntil(until: number, condition: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (): void => {
        isOver = true;
        this.#drivers -= 1;
      };
      const over = (holds: boolean): void => {
        end();
        resolve(holds);
      };
      const turn = (): void => {
        for (let count = 1; count < TIMERS_A_TURN; count += 1) setImmediate(further);
        setImmediate(last);
      };
      const next = (): void => {
        if (isOver) return;
        try {
          if (condition()) over(true);
          else if (!this.#fireNext(until)) over(false);
        } catch (error) {
          end();
          reject(error);
        }
      };
      const further = (): void => {
        if (this.#drivers === 1) next();
      };
      const last = (): void => {
        next();
        if (!isOver) turn();
      };
      this.#drivers += 1;
      turn();
    });
  }

  #fireNext(end: number): boolean {
    const timer = this.#timers.takeUntil(end);
    if (timer === undefined) return false;
    this.#now = Math.max(this.#now, timer.dueAt);
    this.#fired += 1;
    timer.callback();
    return true;
  }
}
