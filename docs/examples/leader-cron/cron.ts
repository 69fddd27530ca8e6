import { setTimeout as sleep } from 'node:timers/promises';
import { type Holdfast, HoldfastError, type LeaderWatch, type Lock } from '@holdfast/client';

export interface CronOptions {
  /** Who this process is, for those who look. */
  readonly who: string;
  readonly everyMs: number;
  /** `token`: for what the job writes to, so that it can refuse a leader that was replaced and does not know yet. */
  readonly job: (tick: number, token: number) => void | Promise<void>;
  /** How long a leader that died is waited for, milliseconds. */
  readonly ttlMs?: number;
  /** Wall time. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Does a job every so often, once for all processes that run it, as long as one of them lives. */
export class Cron {
  readonly #options: CronOptions;
  readonly #election;
  readonly #ticks;

  constructor(db: Holdfast, options: CronOptions) {
    this.#options = options;
    this.#election = db.elect('cron', { value: options.who, ttlMs: options.ttlMs });
    this.#ticks = db.sublevel('ticks');
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const office = await this.#election.campaign({ signal });
        try {
          await this.#lead(office, AbortSignal.any([signal, office.signal]));
        } finally {
          await office.release();
        }
      } catch (error) {
        if (!signal.aborted && !(error instanceof HoldfastError)) throw error;
      }
    }
  }

  /** Who leads now, and each who does after that. */
  leaders(): LeaderWatch<string> {
    return this.#election.leader();
  }

  async #lead(office: Lock, ended: AbortSignal): Promise<void> {
    const { everyMs, job, now = Date.now, sleep: rest = pause } = this.#options;
    while (!ended.aborted) {
      const tick = Math.floor(now() / everyMs);
      if (await this.#begin(office, tick)) await job(tick, office.token);
      await rest(everyMs - (now() % everyMs), ended);
    }
  }

  /**
   * Each tick is begun once, by the leader of that moment: its office is a condition of the transaction, so that one that
   * was replaced, and does not know, begins nothing. One that dies in the middle of its job leaves it at that.
   */
  async #begin(office: Lock, tick: number): Promise<boolean> {
    const { who, everyMs } = this.#options;
    const key = String(tick);
    const { branch } = await this.#ticks.transaction({
      if: [{ lock: office }, { key, absent: true }],
      then: [{ type: 'put', key, value: who, ttlMs: 100 * everyMs }],
    });
    return branch === 'then';
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
