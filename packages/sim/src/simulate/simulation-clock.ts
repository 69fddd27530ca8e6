import type { Clock, Timer } from '@holdfast/types';

/**
 * Virtual time, for the body of a simulation: it passes only while the body awaits something. Give it to code that
 * would otherwise ask the real clock or set a real timer, which the simulation does not wait for.
 */
export class SimulationClock implements Clock {
  readonly #clock: Clock;
  readonly #onThrow: (error: unknown) => void;

  constructor(parts: { readonly clock: Clock; readonly onThrow: (error: unknown) => void }) {
    this.#clock = parts.clock;
    this.#onThrow = parts.onThrow;
  }

  /** Milliseconds since the nodes were started. */
  now(): number {
    return this.#clock.now();
  }

  /** Milliseconds since 1970, as the clock on the wall shows: the same in each run of a seed. */
  wallTime(): number {
    return this.#clock.wallTime();
  }

  /** Calls back once, after so many virtual milliseconds. What the callback throws ends the simulation. */
  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, () => {
      try {
        callback();
      } catch (error) {
        this.#onThrow(error);
      }
    });
  }

  /** Resolves after so many virtual milliseconds. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(delayMs, resolve);
    });
  }
}
