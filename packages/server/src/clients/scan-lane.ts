import type { Clock, Timer } from '@holdfast/types';
import type { LaneLoad } from './lane-load.ts';

/** A page to be read from the store. */
export interface ScanJob {
  /** Whose it is: connections take turns. */
  readonly owner: number;
  /** Monotonic, ms: it is not begun after that. */
  readonly deadline: number;
  /** Never rejects. */
  run(): Promise<void>;
  /** It was run, and its place is another's. */
  left(): void;
  /** Called instead of `run` once its time has passed. */
  expire(): void;
}

export interface ScanLaneOptions {
  readonly runningMax: number;
  readonly waitingMax: number;
  readonly clock: Clock;
}

/** How often those that wait are looked through for one whose time has passed. */
const SWEEP_MS = 50;

/**
 * The bulkhead between range reads and everything else that needs the disk (Nygard, *Release It!*): only so many pages
 * are read from the store at once, on all connections together, and only so many wait for it. A disk that does not
 * answer them holds these up, and leaves the threads that the log and the applied entries are written by.
 */
export class ScanLane {
  readonly #options: ScanLaneOptions;
  /** By connection, each first-in first-out; the connection whose turn it is comes first. */
  readonly #waiting = new Map<number, ScanJob[]>();
  #waitingCount = 0;
  #running = 0;
  #refused = 0;
  #sweep: Timer | undefined;

  constructor(options: ScanLaneOptions) {
    this.#options = options;
  }

  get load(): LaneLoad {
    return { running: this.#running, waiting: this.#waitingCount, refused: this.#refused };
  }

  /** Whether another one would be refused; if so, that counts as a refusal. */
  refuses(): boolean {
    if (this.#waitingCount >= this.#options.waitingMax) this.#expire();
    if (this.#waitingCount < this.#options.waitingMax) return false;
    this.#refused += 1;
    return true;
  }

  /** Runs it, now or when it is its turn. */
  enter(job: ScanJob): 'running' | 'waiting' | 'refused' {
    if (this.#running < this.#options.runningMax) {
      this.#run(job);
      return 'running';
    }
    if (this.refuses()) return 'refused';
    const queue = this.#waiting.get(job.owner);
    if (queue === undefined) this.#waiting.set(job.owner, [job]);
    else queue.push(job);
    this.#waitingCount += 1;
    this.#sweepLater();
    return 'waiting';
  }

  /** Nobody wants it any more. False if it does not wait: it is being read, or was. */
  leave(job: ScanJob): boolean {
    const queue = this.#waiting.get(job.owner);
    const place = queue?.indexOf(job) ?? -1;
    if (queue === undefined || place < 0) return false;
    queue.splice(place, 1);
    if (queue.length === 0) this.#waiting.delete(job.owner);
    this.#waitingCount -= 1;
    return true;
  }

  #run(job: ScanJob): void {
    this.#running += 1;
    void job.run().then(() => {
      this.#running -= 1;
      this.#runNext();
      job.left();
    });
  }

  #runNext(): void {
    const now = this.#options.clock.now();
    while (this.#running < this.#options.runningMax) {
      const job = this.#next();
      if (job === undefined) return;
      if (job.deadline <= now) job.expire();
      else this.#run(job);
    }
  }

  #next(): ScanJob | undefined {
    for (const [owner, queue] of this.#waiting) {
      const job = queue.shift();
      this.#waiting.delete(owner);
      if (queue.length > 0) this.#waiting.set(owner, queue);
      this.#waitingCount -= 1;
      return job;
    }
    return undefined;
  }

  #expire(): void {
    const now = this.#options.clock.now();
    const due: ScanJob[] = [];
    for (const queue of this.#waiting.values()) due.push(...queue.filter(({ deadline }) => deadline <= now));
    for (const job of due) if (this.leave(job)) job.expire();
  }

  #sweepLater(): void {
    this.#sweep ??= this.#options.clock.setTimer(
      SWEEP_MS,
      () => {
        this.#sweep = undefined;
        this.#expire();
        if (this.#waitingCount > 0) this.#sweepLater();
      },
      { background: true },
    );
  }
}
