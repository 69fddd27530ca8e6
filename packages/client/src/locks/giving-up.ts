import { CallTime } from '../call-time.ts';
import type { Seams } from '../seams.ts';
import { checkedLockOptions, type HoldfastReleaseOptions } from './lock-options.ts';

/** The end of something that is held, once however often it is asked for. It goes on by itself, whoever waits for it. */
export class GivingUp {
  readonly #seams: Pick<Seams, 'clock' | 'random'>;
  /** Never rejects. `timeoutMs`: for each call, if somebody wants to wait that long. */
  readonly #giveUp: (timeoutMs: number | undefined) => Promise<boolean>;
  #givenUp: Promise<boolean> | undefined;

  constructor(
    seams: Pick<Seams, 'clock' | 'random'>,
    giveUp: (timeoutMs: number | undefined) => Promise<boolean>,
  ) {
    this.#seams = seams;
    this.#giveUp = giveUp;
  }

  /** Rejects with HOLDFAST_INVALID_ARGUMENT before anything is given up. */
  async waitedFor(options: HoldfastReleaseOptions): Promise<boolean> {
    checkedLockOptions(options, []);
    const { timeoutMs } = options;
    const signal = options.signal ?? undefined;
    this.#givenUp ??= this.#giveUp(timeoutMs);
    if (timeoutMs === undefined && signal === undefined) return this.#givenUp;
    const time = new CallTime(this.#seams, timeoutMs ?? Number.POSITIVE_INFINITY, signal);
    // What is known already is told, also to those who would not wait for it.
    return Promise.race([this.#givenUp, time.within(this.#givenUp, 'unknown')]);
  }
}
