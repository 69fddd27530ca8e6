import { setTimeout as delay } from 'node:timers/promises';
import { type Holdfast, HoldfastError, type Outcome } from '@holdfast/client';
import { waitUntil } from '../faults/wait-until.ts';

/** An acknowledged write. Times are of this process's monotonic clock, milliseconds. */
interface Acknowledgement {
  readonly issuedAt: number;
  readonly answeredAt: number;
  readonly term: number;
}

/** What clients saw between a fault and the end of it. Milliseconds. */
export interface Gap {
  /** From the fault to the first acknowledgement of a write issued after it, by another primary. */
  readonly gapMs: number;
  /** Longest time without any acknowledgement that touches this span. */
  readonly silenceMs: number;
  /** Longest call that ended in it, whenever it was issued. */
  readonly longestCallMs: number;
  /** Longest time in which no writer issued anything: the measurement is no finer than this. */
  readonly issuePauseMs: number;
}

/** A writer that has no answer yet issues the next write so soon; timers are up to 1 ms late. */
const ISSUE_AFTER_MS = 1;

/**
 * Writers that put small values at quorum and do not wait for a slow answer: each issues a write at least every
 * 2 ms. Notes every acknowledgement and every failure.
 */
export class PacedLoad {
  acknowledged = 0;
  readonly failures: Record<Outcome, number> = { 'not-applied': 0, applied: 0, unknown: 0 };
  /** Of the first few failures, for people. */
  readonly words: string[] = [];
  readonly #client: Holdfast<string, string>;
  readonly #inFlight = new Map<number, number>();
  readonly #done: Promise<unknown>;
  /** Since the fault that is being measured. */
  #seen: Acknowledgement[] | undefined;
  #last: Acknowledgement | undefined;
  #issued = 0;
  #lastIssuedAt = performance.now();
  #issuePauseMs = 0;
  #stopped = false;

  constructor(client: Holdfast<string, string>, writers = 4) {
    this.#client = client;
    this.#done = Promise.all(Array.from({ length: writers }, (_, writer) => this.#run(writer)));
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Resolves when all that was issued is answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    await waitUntil('all answers', () => this.#inFlight.size === 0);
  }

  /** Resolves in the midst of things: `count` more acknowledgements came, and some writes are on their way. */
  async inFullSwing(count = 100): Promise<void> {
    const enough = this.acknowledged + count;
    await waitUntil('writes', () => this.acknowledged >= enough);
    // Issued in an earlier turn of the event loop, and so handed to the sockets.
    await waitUntil('writes in flight', () => {
      const oldest = Math.min(...this.#inFlight.values());
      return this.#inFlight.size > 0 && oldest < this.#lastIssuedAt;
    });
  }

  /**
   * Calls `fault` at once, then waits until a primary of a later term acknowledges what was issued after it, and
   * until nothing of before that is without an answer.
   */
  async gapOf(fault: () => Promise<void> | void): Promise<Gap> {
    const before = this.#last;
    const seen: Acknowledgement[] = [];
    this.#seen = seen;
    this.#issuePauseMs = 0;
    const faultAt = performance.now();
    const inflicted = fault();
    const end = await waitUntil('a write after the fault', () =>
      seen.find(({ issuedAt, term }) => issuedAt > faultAt && term > (before?.term ?? 0)),
    );
    const issuePauseMs = this.#issuePauseMs;
    await waitUntil('answers to all that waited', () =>
      [...this.#inFlight.values()].every((issuedAt) => issuedAt > end.answeredAt),
    );
    this.#seen = undefined;
    await inflicted;
    const answers = [before ?? end, ...seen].map(({ answeredAt }) => answeredAt);
    return {
      gapMs: end.answeredAt - faultAt,
      silenceMs: Math.max(...answers.map((at, position) => at - (answers[position - 1] ?? at))),
      longestCallMs: Math.max(...seen.map(({ issuedAt, answeredAt }) => answeredAt - issuedAt)),
      issuePauseMs,
    };
  }

  async #run(writer: number): Promise<void> {
    while (!this.#stopped) await Promise.race([this.#write(writer), delay(ISSUE_AFTER_MS)]);
  }

  async #write(writer: number): Promise<void> {
    const number = this.#issued++;
    const issuedAt = performance.now();
    this.#issuePauseMs = Math.max(this.#issuePauseMs, issuedAt - this.#lastIssuedAt);
    this.#lastIssuedAt = issuedAt;
    this.#inFlight.set(number, issuedAt);
    try {
      const put = { type: 'put', key: `${writer}/${number % 1000}`, value: `${number}` } as const;
      const { term } = await this.#client.write([put], { ack: 'quorum' });
      this.acknowledged += 1;
      this.#last = { issuedAt, answeredAt: performance.now(), term };
      this.#seen?.push(this.#last);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.failures[error.outcome] += 1;
      if (this.words.length < 10) this.words.push(`${error.code}: ${error.message}`);
    } finally {
      this.#inFlight.delete(number);
    }
  }
}
