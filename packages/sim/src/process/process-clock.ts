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

interface TimerParts extends Pick<ProcessClockOptions, 'clock' | 'gate' | 'rate'> {
  /** Whose time it goes by. */
  readonly process: ProcessClock;
  readonly delayMs: number;
  readonly callback: () => void;
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
    return new ProcessTimer({ process: this, clock, gate, rate, delayMs, callback });
  }
}

class ProcessTimer implements Timer {
  readonly #parts: TimerParts;
  readonly #dueAt: number;
  readonly #knock: () => void;
  readonly #fire: () => void;
  #timer: Timer;
  #isCancelled = false;

  constructor(parts: TimerParts) {
    this.#parts = parts;
    this.#dueAt = parts.process.now() + parts.delayMs;
    this.#fire = () => this.#fired();
    this.#knock = () => parts.gate.run('timer', this.#fire);
    this.#timer = this.#arm(parts.delayMs);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#timer.cancel();
  }

  #arm(ms: number): Timer {
    return this.#parts.clock.setTimer(ms / this.#parts.rate, this.#knock);
  }

  #fired(): void {
    // It may have been cancelled while it waited for the process to be thawed.
    if (this.#isCancelled) return;
    if (this.#parts.process.now() >= this.#dueAt) this.#parts.callback();
    // Rounding: never before its time.
    else this.#timer = this.#arm(1 / 1024);
  }
}
