import { RunFailure } from '../run/run-failure.ts';
import { trySchedule } from '../run/try-schedule.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { callsOf, shorter, simpler, sizeOf, withCalls, withNodes } from './smaller.ts';

export interface ShrinkOptions {
  /** Asked before each further run. */
  isTimeUp(): boolean;
  /** Runs a schedule; a RunFailure is what it failed with. */
  run?(schedule: Schedule): Promise<unknown>;
}

export interface Shrunk {
  readonly schedule: Schedule;
  /** Of the same sort as the one that it began with. */
  readonly failure: RunFailure;
  readonly runs: number;
}

/**
 * Makes a schedule that fails as small as it can: shorter, with fewer faults, clients, calls and nodes, and with
 * nothing out of the ordinary that it does not need. Lists shrink by delta debugging (Zeller and Hildebrandt, 2002):
 * large parts are left out first, then ever smaller ones.
 */
export async function shrinkSchedule(
  schedule: Schedule,
  failure: RunFailure,
  options: ShrinkOptions,
): Promise<Shrunk> {
  const shrinking = new Shrinking(schedule, failure, options);
  await shrinking.run();
  return shrinking.result;
}

class Shrinking {
  readonly #options: ShrinkOptions;
  #schedule: Schedule;
  #failure: RunFailure;
  #runs = 0;

  constructor(schedule: Schedule, failure: RunFailure, options: ShrinkOptions) {
    this.#schedule = schedule;
    this.#failure = failure;
    this.#options = options;
  }

  get result(): Shrunk {
    return { schedule: this.#schedule, failure: this.#failure, runs: this.#runs };
  }

  /** What one pass takes away may let another take more: until none does. */
  async run(): Promise<void> {
    for (let before = Infinity; sizeOf(this.#schedule) < before && !this.#options.isTimeUp(); ) {
      before = sizeOf(this.#schedule);
      await this.#shorten();
      await this.#leaveOut(this.#schedule.clients, (clients, from) => ({ ...from, clients }));
      await this.#leaveOut(this.#schedule.faults, (faults, from) => ({ ...from, faults }));
      await this.#leaveOut(callsOf(this.#schedule), (calls, from) => withCalls(from, calls));
      await this.#fewerNodes();
      for (const candidate of simpler(this.#schedule)) await this.#accepts(candidate(this.#schedule));
    }
  }

  async #shorten(): Promise<void> {
    for (const share of [0.25, 0.5, 0.75, 0.9]) while (await this.#accepts(shorter(this.#schedule, share)));
  }

  async #fewerNodes(): Promise<void> {
    for (let nodes = 1; nodes < this.#schedule.cluster.nodes; nodes += 1)
      if (await this.#accepts(withNodes(this.#schedule, nodes))) return;
  }

  async #leaveOut<Item>(
    all: readonly Item[],
    build: (kept: readonly Item[], from: Schedule) => Schedule,
  ): Promise<void> {
    let kept = all;
    for (let size = kept.length; size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < kept.length; ) {
        const fewer = [...kept.slice(0, start), ...kept.slice(start + size)];
        if (await this.#accepts(build(fewer, this.#schedule))) kept = fewer;
        else start += size;
        if (this.#options.isTimeUp()) return;
      }
    }
  }

  async #accepts(candidate: Schedule): Promise<boolean> {
    if (this.#options.isTimeUp() || sizeOf(candidate) >= sizeOf(this.#schedule)) return false;
    this.#runs += 1;
    const outcome = await (this.#options.run ?? trySchedule)(candidate);
    if (!(outcome instanceof RunFailure)) return false;
    if (outcome.kind !== this.#failure.kind || outcome.oracle !== this.#failure.oracle) return false;
    this.#schedule = candidate;
    this.#failure = outcome;
    return true;
  }
}
