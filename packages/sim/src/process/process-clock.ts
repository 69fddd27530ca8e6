import type { Clock, Timer } from '@holdfast/types';
import type { ProcessGate } from './process-gate.ts';

export interface ProcessClockOptions {
  /** Of the world. */
  readonly clock: Clock;
  readonly gate: ProcessGate;
  /** Milliseconds of this process for each of the world: its quartz is never exact. */
  readonly rate: number;
  /** Added to the wall time of the world, and may change at any moment. */
  wallOffsetMs(): number;
}

/** The clock of one process: monotonic from its start on, at its own pace. */
export class ProcessClock implements Clock {
  readonly #options: ProcessClockOptions;
  readonly #startedAt: number;

  constructor(options: ProcessClockOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  now(): number {
    return (this.#options.clock.now() - this.#startedAt) * this.#options.rate;
  }

  wallTime(): number {
    return this.#options.clock.wallTime() + this.#options.wallOffsetMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const { clock, gate, rate } = this.#options;
    const dueAt = this.now() + delayMs;
    let isCancelled = false;
    let timer: Timer;
    const arm = (ms: number): void => {
      timer = clock.setTimer(ms / rate, () => gate.run('timer', fire));
    };
    const fire = (): void => {
      // It may have been cancelled while it waited for the process to be thawed.
      if (isCancelled) return;
      if (this.now() >= dueAt) callback();
      // Rounding: never before its time.
      else arm(1 / 1024);
    };
    arm(delayMs);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }
}
