import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type * as Simulator from '@holdfast/sim';

/** What a process that runs a mutated simulator tells. */
export interface MutantAnswer {
  /** Undefined: all passed. */
  readonly found?: {
    readonly seed: number;
    readonly kind: Simulator.FailureKind;
    readonly oracle: string;
    readonly message: string;
    /** What was run, made smaller if there was time for that. */
    readonly schedule: string;
  };
  readonly runs: number;
  /** Until it was found. */
  readonly cpuSeconds: number;
}

// Who asked is gone.
process.on('disconnect', () => process.exit(1));

const [simulatorPath = '', mode, ...words] = process.argv.slice(2);
const simulator: typeof Simulator = await import(pathToFileURL(simulatorPath).href);
const { drawSchedule, formatSchedule, parseSchedule, RunFailure, shrinkSchedule, trySchedule } = simulator;

const answer = mode === 'replay' ? await replay(words[0] ?? '') : await search(words.map(Number));
process.send?.(answer, () => process.exit());

async function replay(path: string): Promise<MutantAnswer> {
  return tell(await trySchedule(parseSchedule(readFileSync(path, 'utf8'))), { runs: 1 });
}

async function search([first = 0, secondsMax = 0, shrinkSeconds = 0]: number[]): Promise<MutantAnswer> {
  let runs = 0;
  for (let seed = first; cpuSeconds() < secondsMax; seed += 1) {
    runs += 1;
    const schedule = drawSchedule(seed);
    const outcome = await trySchedule(schedule);
    if (!(outcome instanceof RunFailure)) continue;
    const spent = cpuSeconds();
    const isTimeUp = (): boolean => cpuSeconds() > spent + shrinkSeconds;
    const shrunk = await shrinkSchedule(schedule, outcome, { isTimeUp });
    return tell(shrunk.failure, { runs, spent, schedule: shrunk.schedule });
  }
  return tell(undefined, { runs });
}

function tell(
  outcome: unknown,
  of: { readonly runs: number; readonly spent?: number; readonly schedule?: Simulator.Schedule },
): MutantAnswer {
  const base = { runs: of.runs, cpuSeconds: of.spent ?? cpuSeconds() };
  if (!(outcome instanceof RunFailure)) return base;
  const { kind, oracle, message } = outcome;
  const schedule = of.schedule === undefined ? '' : formatSchedule(of.schedule);
  return { ...base, found: { seed: of.schedule?.seed ?? 0, kind, oracle, message, schedule } };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
