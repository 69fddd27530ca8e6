import type { Clock, Timer } from '@holdfast/types';

/** A clock that a test moves. */
export class ManualClock implements Clock {
  #now = 1000;
  #timers: { due: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.#now;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { due: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    while (true) {
      const next = this.#timers.toSorted((left, right) => left.due - right.due)[0];
      if (next === undefined || next.due > end) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = next.due;
      next.callback();
    }
    this.#now = end;
  }
}
