import { CallTime } from '../call-time.ts';
import type { Seams } from '../seams.ts';
import { checkedLockOptions, type HoldfastReleaseOptions } from './lock-options.ts';

/** The end of something that is held, once however often it is asked for. It goes on by itself, whoever waits for it. */
export class GivingUp {
  readonly #seams: Pick<Seams, 'clock' | 'random'>;
  readonly #usualMs: number;
  /** Never rejects. `timeoutMs`: for each call of it. */
  readonly #giveUp: (timeoutMs: number) => Promise<boolean>;
  #givenUp: Promise<boolean> | undefined;

  /** `usualMs`: that the database gives to a call that names no time. */
  constructor(
    seams: Pick<Seams, 'clock' | 'random'>,
    usualMs: number,
    giveUp: (timeoutMs: number) => Promise<boolean>,
  ) {
    this.#seams = seams;
    this.#usualMs = usualMs;
    this.#giveUp = giveUp;
  }

  /** Rejects with HOLDFAST_INVALID_ARGUMENT before anything is given up. */
  async waitedFor(options: HoldfastReleaseOptions): Promise<boolean> {
    checkedLockOptions(options, []);
    const { timeoutMs } = options;
    const signal = options.signal ?? undefined;
    this.#givenUp ??= this.#giveUp(Math.max(timeoutMs ?? 0, this.#usualMs));
    const isBounded = timeoutMs !== undefined || signal !== undefined;
    const waitMs = timeoutMs ?? (isBounded ? Number.POSITIVE_INFINITY : this.#usualMs);
    const waited = new CallTime(this.#seams, waitMs, signal).within(this.#givenUp, 'unknown');
    // Whoever asks for nothing waits no longer for what somebody before has asked for with more time.
    const ended = isBounded ? waited : waited.catch(() => false);
    // What is known already is told, also to those who would not wait for it.
    return Promise.race([this.#givenUp, ended]);
  }
}
