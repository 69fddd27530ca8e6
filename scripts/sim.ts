import { parseArgs } from 'node:util';
import { describeScenario, type FailureKind, RunFailure, type RunReport, runSeed } from '@holdfast/sim';

const USAGE = `Runs simulated clusters: docs/simulation.md.

  pnpm sim --seed S [--trace]   one run; with --trace everything that happens in it, a line each
  pnpm sim --seeds A..B         all of them
  pnpm sim --minutes M          as many new ones as fit

Exit codes: 0 all passed, 1 a promise was broken, 2 nothing went on, 3 the code under test broke,
4 the simulator broke, 5 not understood.`;

const EXIT: Readonly<Record<FailureKind, number>> = { safety: 1, liveness: 2, crash: 3, simulator: 4 };
const EXIT_USAGE = 5;
const MINUTE_MS = 60_000;

let running = 0;
let worst = 0;
/** Over all runs. */
const events = new Map<string, number>();

// What nobody waited for is a fault of the code under test all the same.
process.on('unhandledRejection', (error) => {
  failed(running, new RunFailure('crash', `nobody handled ${String(error)}`, error));
  process.exit(worst);
});

const values = readArguments();
const seeds = seedsOf(values);
if (values.help || seeds === undefined) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : EXIT_USAGE;
} else {
  let passed = 0;
  for (const seed of seeds) if (await passes(seed)) passed += 1;
  console.log(`met on the way: ${[...events].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  console.log(`${passed} runs passed${worst === 0 ? '' : ', others did not: see above'}`);
  process.exitCode = worst;
}

function readArguments(): {
  seed?: string;
  seeds?: string;
  minutes?: string;
  trace?: boolean;
  help?: boolean;
} {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        minutes: { type: 'string' },
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

async function passes(seed: number): Promise<boolean> {
  running = seed;
  const startedAt = performance.now();
  try {
    const report = await runSeed(seed, values.trace ? { print: (line) => console.log(line) } : {});
    for (const [name, count] of report.events) events.set(name, (events.get(name) ?? 0) + count);
    console.log(lineOf(report, performance.now() - startedAt));
    return true;
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    failed(seed, error);
    return false;
  }
}

function failed(seed: number, failure: RunFailure): void {
  const code = EXIT[failure.kind];
  worst = worst === 0 ? code : Math.min(worst, code);
  console.log(`seed ${seed} FAILED (${failure.kind}): ${failure.message}`);
  if (failure.kind === 'crash' || failure.kind === 'simulator') console.log(failure.cause);
  console.log(`  repeat it with: pnpm sim --seed ${seed} --trace`);
}

function lineOf(report: RunReport, realMs: number): string {
  const { seed, scenario, virtualMs, terms, entries, writes, reads, recoveryMs, linearizability } = report;
  const faults = [...report.faults].map(([kind, count]) => `${kind} ${count}`).join(', ');
  return (
    `seed ${seed} ok: ${describeScenario(scenario)}; ${(virtualMs / 1000).toFixed(1)} s in ${(realMs / 1000).toFixed(1)} s, ` +
    `${terms} terms, ${entries} entries, ${writes.acknowledged} writes (${writes.listed} diverged, ${writes.unknown} unknown), ` +
    `${reads} reads, went on after ${recoveryMs.toFixed(0)} ms; ${faults || 'no faults'}` +
    `${linearizability === 'ok' ? '' : '; linearizability not decided'}; ${report.digest.slice(0, 12)}`
  );
}

function seedsOf(given: { seed?: string; seeds?: string; minutes?: string }): Iterable<number> | undefined {
  if (given.seed !== undefined) return range(given.seed, given.seed);
  if (given.seeds !== undefined) {
    const [first = '', last = ''] = given.seeds.split('..');
    return range(first, last);
  }
  const minutes = Number(given.minutes);
  return minutes > 0 ? newSeeds(minutes) : undefined;
}

function range(first: string, last: string): number[] | undefined {
  const [from, to] = [Number(first), Number(last)];
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last) || to < from) return undefined;
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}

/** Others each time: what is found is kept by its seed. */
function* newSeeds(minutes: number): Generator<number> {
  const endsAt = performance.now() + minutes * MINUTE_MS;
  for (let seed = Math.floor(Date.now() / 1000) * 1000; performance.now() < endsAt; seed += 1) yield seed;
}
