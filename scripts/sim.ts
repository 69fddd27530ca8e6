import { readFileSync, writeFileSync } from 'node:fs';
import {
  describeSchedule,
  drawSchedule,
  formatSchedule,
  parseSchedule,
  RunFailure,
  type RunReport,
  type Schedule,
  trySchedule,
} from '@holdfast/sim';
import { TraceReader } from './sim-page/read-trace.ts';
import { simPage } from './sim-page/sim-page.ts';
import { reportFailure } from './support/sim-failure.ts';
import { printSpeed } from './support/sim-figures.ts';
import { type JobNews, runJobs } from './support/sim-jobs.ts';
import { hasJobs, readSimOptions, type SimOptions, type SimWork } from './support/sim-options.ts';
import { SimTally } from './support/sim-tally.ts';

const USAGE = `Runs simulated clusters: docs/simulation.md.

  pnpm sim --seed S [--trace]   one run; with --trace everything that happens in it, a line each
  pnpm sim --seed S --html F    one run, and a page that shows it in a browser
  pnpm sim --seed S --write F   writes down what that run is made of, and does not run it
  pnpm sim --schedule F         runs what was written down
  pnpm sim --seeds A..B         all of them
  pnpm sim --minutes M          as many new ones as fit; --from S says where they begin
  pnpm sim:night                new ones on all cores until it is stopped
  pnpm sim --speed              how much faster than real time, idle and under a small load

  --jobs N       so many processes at once
  --no-shrink    a run that fails is not made smaller
  --keep DIR     where failed runs are kept, as drawn and made smaller, with trace and page; .holdfast/sim by default

Exit codes: 0 all passed, 1 a promise was broken, 2 nothing went on, 3 the code under test broke,
4 the simulator broke, 5 not understood.`;

const EXIT_BROKEN = 4;
const EXIT_USAGE = 5;
const MINUTE_MS = 60_000;

interface Run {
  /** How to do it again. */
  readonly words: string;
  readonly schedule: Schedule;
  /** See `FailedRun`. */
  readonly isDrawn: boolean;
}

let isStopped = false;
const options = readSimOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.log(options === 'help' ? USAGE : `${options}\n\n${USAGE}`);
  process.exitCode = options === 'help' ? 0 : EXIT_USAGE;
} else await main(options).catch(onBroken);

async function main(options: SimOptions): Promise<void> {
  const { work } = options;
  if (work.kind === 'write') {
    writeFileSync(work.path, formatSchedule(drawSchedule(work.seed)));
    return;
  }
  if (work.kind === 'speed') {
    await printSpeed();
    return;
  }
  const tally = new SimTally();
  if (hasJobs(options)) await runJobs(import.meta.filename, options, tally);
  else {
    const runs = runsOf(work, options);
    if (runs === undefined) {
      process.exitCode = EXIT_USAGE;
      return;
    }
    const stop = (): void => {
      isStopped = true;
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    for (const run of runs) await make(run, options, tally);
  }
  process.exitCode = tally.exitCode;
  if (process.send === undefined) tally.print();
  else process.send({ kind: 'ends', tally: tally.message } satisfies JobNews, () => process.disconnect());
}

/** Node.js itself would end with what says that a promise was broken. */
function onBroken(error: unknown): void {
  console.log(error);
  process.exitCode = EXIT_BROKEN;
  process.disconnect?.();
}

async function make(run: Run, options: SimOptions, tally: SimTally): Promise<void> {
  const { trace, html, shrinks, keep } = options;
  const { words, schedule } = run;
  process.send?.({
    kind: 'begins',
    words,
    seed: schedule.seed,
    schedule: formatSchedule(schedule),
  } satisfies JobNews);
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const reader = new TraceReader();
  const print = (line: string): void => {
    if (trace) console.log(line);
    if (html !== undefined) reader.read(line);
  };
  const outcome = await trySchedule(schedule, trace || html !== undefined ? { print } : {});
  if (html !== undefined) {
    const failure = outcome instanceof RunFailure ? `${outcome.kind}: ${outcome.message}` : undefined;
    writeFileSync(html, simPage(reader.timeline(failure)));
  }
  if (outcome instanceof RunFailure) {
    tally.fail(outcome.kind);
    await reportFailure({ ...run, failure: outcome }, { shrinks: shrinks && !trace, keep });
  } else {
    const { user, system } = process.cpuUsage(cpuBefore);
    tally.pass(outcome, (user + system) / 1000);
    console.log(lineOf(outcome, performance.now() - startedAt));
  }
}

function lineOf(report: RunReport, realMs: number): string {
  const { schedule, virtualMs, terms, entries, writes, reads, recoveryMs, linearizability } = report;
  return (
    `seed ${schedule.seed} ok: ${describeSchedule(schedule)}; ${(virtualMs / 1000).toFixed(1)} s in ${(realMs / 1000).toFixed(1)} s, ` +
    `${terms} terms, ${entries} entries, ${writes.acknowledged} writes (${writes.listed} diverged, ${writes.unknown} unknown), ` +
    `${reads} reads, went on after ${recoveryMs.toFixed(0)} ms` +
    `${linearizability === 'ok' ? '' : '; linearizability not decided'}; ${report.digest.slice(0, 12)}`
  );
}

function runsOf(
  work: Exclude<SimWork, { kind: 'write' | 'speed' }>,
  options: SimOptions,
): Iterable<Run> | undefined {
  switch (work.kind) {
    case 'schedule':
      return readRun(work.path);
    case 'seeds':
      return seedRuns(work.first, work.last, Infinity, options);
    case 'minutes':
      return seedRuns(work.first, Infinity, performance.now() + work.minutes * MINUTE_MS, options);
    default:
      return seedRuns(Math.floor(Date.now() / 1000) * 1000, Infinity, Infinity, options);
  }
}

function readRun(path: string): Run[] | undefined {
  try {
    return [
      { words: `--schedule ${path}`, schedule: parseSchedule(readFileSync(path, 'utf8')), isDrawn: false },
    ];
  } catch (error) {
    console.log(`${path}: ${(error as Error).message}`);
    return undefined;
  }
}

function* seedRuns(first: number, last: number, endsAt: number, { share }: SimOptions): Generator<Run> {
  for (let seed = first + share.place; seed <= last; seed += share.of) {
    if (isStopped || performance.now() >= endsAt) return;
    yield { words: `--seed ${seed}`, schedule: drawSchedule(seed), isDrawn: true };
  }
}
