import { readFileSync } from 'node:fs';
import type * as Simulator from '@holdfast/sim';
import { type ChangedSources, loadMutant } from './mutant-modules.ts';

/** What a process that runs mutants is asked, one after the other. `sources`: empty is the code without a bug. */
export type MutantQuestion = { readonly name: string; readonly sources: ChangedSources } & (
  | {
      readonly kind: 'replay';
      readonly path: string;
      /** Of the neighbours of the schedule that are tried when it finds nothing by itself. */
      readonly neighbours: number;
    }
  | {
      readonly kind: 'search';
      readonly seeds: readonly number[];
      /** Empty: whatever the seeds draw. */
      readonly focus: readonly Simulator.FaultKind[];
      /** Of processor time. */
      readonly secondsMax: number;
      /** To make smaller what was found; without it the first failure is the answer. */
      readonly shrinkSeconds: number;
      /** Of the neighbours of what is kept, those that have to find it too. */
      readonly robustness: number;
      /** What is kept has to take this path without the bug. */
      readonly mark: Simulator.MarkName;
    }
);

export interface MutantAnswer {
  /** Undefined: all passed. */
  readonly found?: {
    readonly seed: number;
    readonly kind: Simulator.FailureKind;
    readonly oracle: string;
    readonly message: string;
    /** What was run, made smaller if there was time for that. */
    readonly schedule: string;
    /** Which of the neighbours of that find it as well; of a replay the first that did, 0 for itself. */
    readonly by: readonly number[];
  };
  /** Met by a replay that passed. */
  readonly marks: readonly Simulator.MarkName[];
  /** Seeds that were tried. */
  readonly runs: number;
  /** Until it was found. */
  readonly cpuSeconds: number;
}

type Question<Kind extends MutantQuestion['kind']> = Extract<MutantQuestion, { kind: Kind }>;

// Who asked is gone.
process.on('disconnect', () => process.exit(1));
process.on('message', async (question: MutantQuestion) => {
  const simulator = await loadMutant(question.name, question.sources);
  const answer =
    question.kind === 'replay'
      ? await replay(simulator, question)
      : await search(simulator, await loadMutant('none', {}), question);
  process.send?.(answer);
});

async function replay(simulator: typeof Simulator, question: Question<'replay'>): Promise<MutantAnswer> {
  const { neighbour, parseSchedule, RunFailure, trySchedule } = simulator;
  const schedule = parseSchedule(readFileSync(question.path, 'utf8'));
  const since = cpuSeconds();
  let marks: Simulator.MarkName[] = [];
  for (let ordinal = 0; ordinal <= question.neighbours; ordinal += 1) {
    const outcome = await trySchedule(neighbour(schedule, ordinal));
    if (outcome instanceof RunFailure)
      return { ...failed(outcome, schedule, [ordinal]), runs: 1, cpuSeconds: cpuSeconds() - since };
    if (ordinal === 0) marks = [...outcome.marks.keys()];
  }
  return { marks, runs: 1, cpuSeconds: cpuSeconds() - since };

  function failed(failure: Simulator.RunFailure, of: Simulator.Schedule, by: number[]) {
    return { found: foundBy(simulator, { failure, schedule: of, by }), marks: [] };
  }
}

/** Until one of the seeds finds the bug, and it is the bug that it finds. */
async function search(
  mutant: typeof Simulator,
  sound: typeof Simulator,
  question: Question<'search'>,
): Promise<MutantAnswer> {
  const { seeds, focus, secondsMax } = question;
  const since = cpuSeconds();
  let runs = 0;
  for (const seed of seeds) {
    if (cpuSeconds() - since > secondsMax) break;
    runs += 1;
    const schedule = mutant.drawSchedule(seed, focus.length === 0 ? undefined : focus);
    const failure = await mutant.trySchedule(schedule);
    if (!(failure instanceof mutant.RunFailure)) continue;
    const spent = cpuSeconds() - since;
    const smaller = await shrunk({ mutant, sound }, { schedule, failure }, question);
    if (smaller === undefined || (await passing(sound, smaller.schedule)) === undefined) continue;
    return { found: foundBy(mutant, smaller), marks: [], runs, cpuSeconds: spent };
  }
  return { marks: [], runs, cpuSeconds: cpuSeconds() - since };
}

interface Finding {
  readonly schedule: Simulator.Schedule;
  readonly failure: Simulator.RunFailure;
  readonly by: readonly number[];
}

/** What comes of it where there is no bug. Undefined: it fails there as well. */
async function passing(
  sound: typeof Simulator,
  schedule: Simulator.Schedule,
): Promise<Simulator.RunReport | undefined> {
  const outcome = await sound.trySchedule(sound.parseSchedule(sound.formatSchedule(schedule)));
  return outcome instanceof sound.RunFailure ? undefined : outcome;
}

/**
 * Smaller, and all along found by as many neighbours as are asked for, and on the path that it is to take without the bug.
 * Undefined: it is not from the beginning.
 */
async function shrunk(
  { mutant, sound }: { readonly mutant: typeof Simulator; readonly sound: typeof Simulator },
  found: { readonly schedule: Simulator.Schedule; readonly failure: Simulator.RunFailure },
  { shrinkSeconds, robustness, mark }: Question<'search'>,
): Promise<Finding | undefined> {
  const { neighbour, NEIGHBOURS, RunFailure, trySchedule } = mutant;
  if (shrinkSeconds === 0) return { ...found, by: [] };
  const finders = async (schedule: Simulator.Schedule): Promise<number[]> => {
    const by: number[] = [];
    for (let ordinal = 1; ordinal <= NEIGHBOURS; ordinal += 1) {
      if (by.length + NEIGHBOURS - ordinal + 1 < robustness) break;
      const outcome = await trySchedule(neighbour(schedule, ordinal));
      if (outcome instanceof RunFailure && outcome.oracle === found.failure.oracle) by.push(ordinal);
      if (by.length >= robustness) break;
    }
    return by;
  };
  const isKept = async (schedule: Simulator.Schedule): Promise<boolean> =>
    (await passing(sound, schedule))?.marks.has(mark) === true &&
    (await finders(schedule)).length >= robustness;
  if (!(await isKept(found.schedule))) return undefined;
  const end = cpuSeconds() + shrinkSeconds;
  const { schedule, failure } = await mutant.shrinkSchedule(found.schedule, found.failure, {
    isTimeUp: () => cpuSeconds() > end,
    run: async (candidate) => {
      const outcome = await trySchedule(candidate);
      if (!(outcome instanceof RunFailure) || outcome.oracle !== found.failure.oracle) return outcome;
      return (await isKept(candidate)) ? outcome : undefined;
    },
  });
  return { schedule, failure, by: await finders(schedule) };
}

function foundBy(
  simulator: typeof Simulator,
  { schedule, failure, by }: Finding,
): NonNullable<MutantAnswer['found']> {
  const { kind, oracle, message } = failure;
  return { seed: schedule.seed, kind, oracle, message, schedule: simulator.formatSchedule(schedule), by };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
