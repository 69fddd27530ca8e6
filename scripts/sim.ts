import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  describeSchedule,
  drawSchedule,
  type FailureKind,
  formatSchedule,
  MARKS,
  type MarkName,
  marksMissed,
  parseSchedule,
  RunFailure,
  type RunReport,
  runSchedule,
  type Schedule,
} from '@holdfast/sim';

const USAGE = `Runs simulated clusters: docs/simulation.md.

  pnpm sim --seed S [--trace]   one run; with --trace everything that happens in it, a line each
  pnpm sim --seed S --write F   writes down what that run is made of, and does not run it
  pnpm sim --schedule F         runs what was written down
  pnpm sim --seeds A..B         all of them
  pnpm sim --minutes M          as many new ones as fit

Exit codes: 0 all passed, 1 a promise was broken, 2 nothing went on, 3 the code under test broke,
4 the simulator broke, 5 not understood.`;

const EXIT: Readonly<Record<FailureKind, number>> = { safety: 1, liveness: 2, crash: 3, simulator: 4 };
const EXIT_USAGE = 5;
const MINUTE_MS = 60_000;

interface Run {
  /** How to do it again. */
  readonly arguments: string;
  readonly schedule: Schedule;
}

let running = '';
let worst = 0;
/** Rare paths taken, over all runs. */
const marks = new Map<MarkName, number>();

// What nobody waited for is a fault of the code under test all the same.
process.on('unhandledRejection', (error) => {
  failed(running, new RunFailure('crash', 'crash', `nobody handled ${String(error)}`, error));
  process.exit(worst);
});

const values = readArguments();
const runs = runsOf(values);
if (values.help || runs === undefined) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : EXIT_USAGE;
} else if (values.write !== undefined) {
  for (const { schedule } of runs) writeFileSync(values.write, formatSchedule(schedule));
} else {
  let passed = 0;
  for (const run of runs) if (await passes(run)) passed += 1;
  if (passed > 1) printMarks();
  console.log(`${passed} runs passed${worst === 0 ? '' : ', others did not: see above'}`);
  process.exitCode = worst;
}

function readArguments(): {
  seed?: string;
  seeds?: string;
  minutes?: string;
  schedule?: string;
  write?: string;
  trace?: boolean;
  help?: boolean;
} {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        minutes: { type: 'string' },
        schedule: { type: 'string' },
        write: { type: 'string' },
        trace: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return values;
  } catch (error) {
    console.log((error as Error).message);
    return {};
  }
}

async function passes(run: Run): Promise<boolean> {
  running = run.arguments;
  const startedAt = performance.now();
  try {
    const report = await runSchedule(
      run.schedule,
      values.trace ? { print: (line) => console.log(line) } : {},
    );
    for (const [mark, count] of report.marks) marks.set(mark, (marks.get(mark) ?? 0) + count);
    console.log(lineOf(report, performance.now() - startedAt));
    return true;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    failed(run.arguments, error);
    return false;
  }
}

/** Most frequent first, and what was never met. */
function printMarks(): void {
  for (const [mark, count] of [...marks].sort(([, one], [, other]) => other - one))
    console.log(`${String(count).padStart(9)}  ${mark}: ${MARKS[mark].says}`);
  for (const mark of marksMissed(marks)) console.log(`    never  ${mark}: ${MARKS[mark].says}`);
}

function failed(toRepeat: string, failure: RunFailure): void {
  const code = EXIT[failure.kind];
  worst = worst === 0 ? code : Math.min(worst, code);
  console.log(`FAILED (${failure.kind}): ${failure.message}`);
  if (failure.kind === 'crash' || failure.kind === 'simulator') console.log(failure.cause);
  console.log(`  repeat it with: pnpm sim ${toRepeat} --trace`);
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

function runsOf(given: ReturnType<typeof readArguments>): Iterable<Run> | undefined {
  if (given.schedule !== undefined) {
    const schedule = readSchedule(given.schedule);
    return schedule && [{ arguments: `--schedule ${given.schedule}`, schedule }];
  }
  if (given.seed !== undefined) return range(given.seed, given.seed);
  if (given.seeds !== undefined) {
    const [first = '', last = ''] = given.seeds.split('..');
    return range(first, last);
  }
  const minutes = Number(given.minutes);
  return minutes > 0 ? newSeeds(minutes) : undefined;
}

function readSchedule(file: string): Schedule | undefined {
  try {
    return parseSchedule(readFileSync(file, 'utf8'));
  } catch (error) {
    console.log(`${file}: ${(error as Error).message}`);
    return undefined;
  }
}

function range(first: string, last: string): Iterable<Run> | undefined {
  const [from, to] = [Number(first), Number(last)];
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last) || to < from) return undefined;
  return seedRuns(from, to);
}

function* seedRuns(from: number, to: number): Generator<Run> {
  for (let seed = from; seed <= to; seed += 1) yield seedRun(seed);
}

/** Others each time: what is found is kept by its seed. */
function* newSeeds(minutes: number): Generator<Run> {
  const endsAt = performance.now() + minutes * MINUTE_MS;
  for (let seed = Math.floor(Date.now() / 1000) * 1000; performance.now() < endsAt; seed += 1)
    yield seedRun(seed);
}

function seedRun(seed: number): Run {
  return { arguments: `--seed ${seed}`, schedule: drawSchedule(seed) };
}
