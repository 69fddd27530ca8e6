import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Holdfast, HoldfastError } from '@holdfast/client';
import { waitUntil } from '../faults/wait-until.ts';

/** What callers saw. Milliseconds. */
export interface Seen {
  readonly calls: number;
  readonly succeeded: number;
  /** How many calls failed with each code. */
  readonly failed: ReadonlyMap<string, number>;
  /** From a call to its end, however it ended. */
  readonly latencies: readonly number[];
  /** Latest end of a call after its deadline. */
  readonly latestMs: number;
  /** Longest time in which this process's event loop did nothing else. */
  readonly loopDelayMs: number;
}

const EVERY_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

/** Calls that come at a fixed rate whatever becomes of those before: a write at quorum and a linearizable read in turn. */
export class Arrivals {
  readonly #client: Holdfast<string, string>;
  readonly #timeoutMs: number;
  readonly #delay = monitorEventLoopDelay({ resolution: 5 });
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  readonly #failed = new Map<string, number>();
  readonly #latencies: number[] = [];
  #issued = 0;
  #latestMs = Number.NEGATIVE_INFINITY;

  constructor(client: Holdfast<string, string>, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#delay.enable();
    this.#timer = setInterval(() => this.#catchUp(), EVERY_MS);
  }

  /** How many have come. */
  get issued(): number {
    return this.#issued;
  }

  /** Resolves when as many more have come as do in that time. */
  async comeFor(ms: number): Promise<void> {
    const enough = this.#issued + ms / EVERY_MS;
    await waitUntil(`${enough} calls`, () => this.#issued >= enough);
  }

  /** Resolves when every call has ended. */
  async stop(): Promise<Seen> {
    clearInterval(this.#timer);
    await waitUntil('the end of every call', () => this.#latencies.length === this.#issued);
    this.#delay.disable();
    const failures = [...this.#failed.values()].reduce((sum, count) => sum + count, 0);
    return {
      calls: this.#issued,
      succeeded: this.#issued - failures,
      failed: this.#failed,
      latencies: this.#latencies,
      latestMs: this.#latestMs,
      loopDelayMs: this.#delay.max / NANOSECONDS_PER_MS,
    };
  }

  #catchUp(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / EVERY_MS);
    while (this.#issued < due) void this.#call(this.#issued++);
  }

  async #call(number: number): Promise<void> {
    const key = `arrivals-${number % 100}`;
    const { timeoutMs, client } = { timeoutMs: this.#timeoutMs, client: this.#client };
    const issuedAt = performance.now();
    try {
      if (number % 2 === 0) await client.put(key, `${number}`, { timeoutMs });
      else await client.get(key, { timeoutMs });
    } catch (error) {
      const code = error instanceof HoldfastError ? error.code : String(error);
      this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
    }
    const tookMs = performance.now() - issuedAt;
    this.#latencies.push(tookMs);
    this.#latestMs = Math.max(this.#latestMs, tookMs - timeoutMs);
  }
}
