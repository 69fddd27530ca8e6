import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  drawSchedule,
  type FaultKind,
  formatSchedule,
  MARKS,
  type MarkName,
  marksMissed,
  RunFailure,
  type RunReport,
  trySchedule,
} from '@holdfast/sim';
import { SimTally } from '../../scripts/support/sim-tally.ts';
import { ROOT } from '../../scripts/support/workspace.ts';

/** Where `pnpm sim` keeps what fails as well. */
const KEEP = join(ROOT, '.holdfast/sim');

/** Simulated runs of a test: what they covered, and what is left of one that fails. */
export class SeedRuns {
  readonly #tally = new SimTally();
  #runs = 0;

  /** Rare paths that were taken. */
  get marks(): ReadonlyMap<MarkName, number> {
    return this.#tally.marks;
  }

  /** The kinds of fault that struck nobody, however often they were drawn. */
  get faultsMissed(): FaultKind[] {
    return this.#tally.faultsMissed;
  }

  /** Reads that were content with less than they had asked for. */
  get staleReads(): number {
    return this.#tally.staleReads;
  }

  /** Histories whose linearizability was not decided within bounds. */
  get undecided(): number {
    return this.#tally.undecided;
  }

  /** That passed. */
  get count(): number {
    return this.#runs;
  }

  /** How much was run, what struck, and what was met of the rare paths. */
  get summary(): string {
    const missed = marksMissed(this.marks);
    const all = Object.keys(MARKS).length;
    return (
      `${this.#runs} runs: ${this.#tally.summary()}\n` +
      `${all - missed.length} of ${all} rare paths met` +
      `${missed.length === 0 ? '' : `, but not ${missed.join(', ')}`}`
    );
  }

  /**
   * Throws if the run of a seed does not pass, and keeps its schedule: a seed draws something else after a change. See
   * `drawSchedule` for `focus`.
   */
  async pass(seed: number, focus?: readonly FaultKind[]): Promise<RunReport> {
    const schedule = drawSchedule(seed, focus);
    const before = process.cpuUsage();
    const outcome = await trySchedule(schedule);
    if (outcome instanceof RunFailure) {
      const path = join(KEEP, `seed-${seed}.json`);
      mkdirSync(KEEP, { recursive: true });
      writeFileSync(path, formatSchedule(schedule));
      throw new Error(
        `${outcome.kind}: ${outcome.message}\nrepeat it with: pnpm sim --seed ${seed} --trace\n` +
          `after a change of what seeds draw: pnpm sim --schedule ${relative(ROOT, path)} --trace`,
        { cause: outcome },
      );
    }
    const { user, system } = process.cpuUsage(before);
    this.#tally.pass(outcome, (user + system) / 1000);
    this.#runs += 1;
    return outcome;
  }
}
