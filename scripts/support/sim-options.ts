import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** What `pnpm sim` is asked to do. */
export interface SimOptions {
  readonly work: SimWork;
  readonly trace: boolean;
  /** Where a page that shows the run is written. */
  readonly html: string | undefined;
  readonly shrinks: boolean;
  /** Processes. */
  readonly jobs: number;
  /** This is one of them. */
  readonly isJob: boolean;
  /** Of so many processes this is that one, from 0: it takes every so-manieth seed. */
  readonly share: { readonly place: number; readonly of: number };
  /** Where failures are kept. */
  readonly keep: string;
}

export type SimWork =
  | { readonly kind: 'seeds'; readonly first: number; readonly last: number }
  | { readonly kind: 'minutes'; readonly first: number; readonly minutes: number }
  /** Until somebody stops it. */
  | { readonly kind: 'night' }
  /** A measurement, of no seed. */
  | { readonly kind: 'speed' }
  | { readonly kind: 'schedule'; readonly path: string }
  | { readonly kind: 'write'; readonly seed: number; readonly path: string };

const KEEP = '.holdfast/sim';

/** A sentence that says what was not understood; 'help' if that was asked for. */
export function readSimOptions(words: readonly string[]): SimOptions | string {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(words);
  } catch (error) {
    return (error as Error).message;
  }
  if (given.help) return 'help';
  const work = workOf(given);
  if (work === undefined) return 'say which seeds, for how long, or which schedule';
  if (given.html !== undefined && !isOneRun(work)) return 'a page shows one run: name a seed or a schedule';
  const jobs = given.jobs === undefined ? undefined : Number(given.jobs);
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1))
    return `not a number of jobs: ${given.jobs}`;
  const [place = 0, of = 1] = given.share?.split('/').map(Number) ?? [];
  return {
    work,
    trace: given.trace ?? false,
    html: given.html,
    shrinks: !(given['no-shrink'] ?? false),
    jobs: jobs ?? (work.kind === 'night' ? availableParallelism() : 1),
    isJob: given.share !== undefined,
    share: { place, of },
    keep: given.keep ?? KEEP,
  };
}

/** Runs are made in processes of their own, which are killed if one has no end; not those that somebody looks at. */
export function hasJobs({ work, trace, html, jobs, isJob }: SimOptions): boolean {
  return jobs > 1 || !(isJob || trace || html !== undefined || work.kind === 'schedule');
}

/** For one of several processes that share the work of this one. */
export function wordsForJob(options: SimOptions, work: SimWork, place: number): string[] {
  const words = ['--share', `${place}/${options.jobs}`, '--keep', options.keep];
  if (work.kind === 'minutes') words.push('--minutes', String(work.minutes), '--from', String(work.first));
  if (work.kind === 'seeds') words.push('--seeds', `${work.first}..${work.last}`);
  if (!options.shrinks) words.push('--no-shrink');
  return words;
}

/** Others each time: what is found is kept by its schedule. */
export function newFirstSeed(): number {
  return Math.floor(Date.now() / 1000) * 1000;
}

function parse(words: readonly string[]) {
  return parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      from: { type: 'string' },
      night: { type: 'boolean' },
      speed: { type: 'boolean' },
      schedule: { type: 'string' },
      write: { type: 'string' },
      trace: { type: 'boolean' },
      html: { type: 'string' },
      'no-shrink': { type: 'boolean' },
      jobs: { type: 'string' },
      share: { type: 'string' },
      keep: { type: 'string' },
      help: { type: 'boolean' },
    },
  }).values;
}

function workOf(given: ReturnType<typeof parse>): SimWork | undefined {
  if (given.schedule !== undefined) return { kind: 'schedule', path: given.schedule };
  if (given.speed) return { kind: 'speed' };
  if (given.night) return { kind: 'night' };
  const [first = '', last = first] = (given.seeds ?? given.seed ?? '').split('..');
  if (isSeed(first) && isSeed(last) && Number(first) <= Number(last)) {
    if (given.write !== undefined) return { kind: 'write', seed: Number(first), path: given.write };
    return { kind: 'seeds', first: Number(first), last: Number(last) };
  }
  const minutes = Number(given.minutes);
  if (!(minutes > 0) || (given.from !== undefined && !isSeed(given.from))) return undefined;
  return { kind: 'minutes', minutes, first: given.from === undefined ? newFirstSeed() : Number(given.from) };
}

function isOneRun(work: SimWork): boolean {
  return work.kind === 'schedule' || (work.kind === 'seeds' && work.first === work.last);
}

function isSeed(word: string): boolean {
  return /^\d+$/.test(word);
}
