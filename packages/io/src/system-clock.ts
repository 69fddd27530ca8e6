import type { Clock, Timer } from '@holdfast/types';

/** Longest delay that Node takes; a longer one is waited for in parts. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** The clocks of this machine. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): Timer {
    return new SystemTimer(performance.now() + delayMs, callback, options?.background ?? false);
  }
}

class SystemTimer implements Timer {
  readonly #dueAt: number;
  readonly #callback: () => void;
  readonly #background: boolean;
  #timeout: NodeJS.Timeout;

  constructor(dueAt: number, callback: () => void, background: boolean) {
    this.#dueAt = dueAt;
    this.#callback = callback;
    this.#background = background;
    this.#timeout = this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  /** Node counts in whole milliseconds: the next whole one, or it would often have to wait a second time. */
  #wait(): NodeJS.Timeout {
    const leftMs = Math.max(0, Math.floor(this.#dueAt - performance.now()) + 1);
    const delayMs = Math.min(leftMs, DELAY_MAX_MS);
    const timeout = setTimeout(() => this.#onTimeout(), delayMs);
    if (this.#background) timeout.unref();
    return timeout;
  }

  /** Node counts in whole milliseconds of the event loop's own clock and may come a fraction too soon. */
  #onTimeout(): void {
    if (performance.now() < this.#dueAt) this.#timeout = this.#wait();
    else this.#callback();
  }
}
