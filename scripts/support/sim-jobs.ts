import { fork } from 'node:child_process';
import { keepDrawn } from './sim-failure.ts';
import { newFirstSeed, type SimOptions, type SimWork, wordsForJob } from './sim-options.ts';
import { SimTally, type TallyMessage } from './sim-tally.ts';

/** Of a night: then the processes begin anew, so that none of them has to last. */
const SLICE_MINUTES = 30;
const MINUTE_MS = 60_000;
/** A process that ends without a word. */
const BROKEN_EXIT = 4;
/** One whose run never ends: the code under test goes round in a step. */
const HANGS_EXIT = 3;
/** No run takes that long, nor does making it smaller. */
const RUN_MINUTES_MAX = 15;

/** What a process tells: each run as it begins, so that one without an end can be named, and what came of them all. */
export type JobNews =
  | { readonly kind: 'begins'; readonly words: string; readonly seed: number; readonly schedule: string }
  | { readonly kind: 'ends'; readonly tally: TallyMessage };

/** Shares the work out to processes, and adds up what they tell. A signal lets each end the run that it is at. */
export async function runJobs(script: string, options: SimOptions, tally: SimTally): Promise<void> {
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const { work } = options;
  if (work.kind !== 'night') await runAll(script, options, work, tally);
  else
    while (!isStopped)
      await runAll(
        script,
        options,
        { kind: 'minutes', first: newFirstSeed(), minutes: SLICE_MINUTES },
        tally,
      );
}

async function runAll(script: string, options: SimOptions, work: SimWork, tally: SimTally): Promise<void> {
  const places = Array.from({ length: options.jobs }, (_, place) => place);
  const told = await Promise.all(
    places.map((place) => runJob(script, wordsForJob(options, work, place), options)),
  );
  for (const message of told) tally.add(message);
}

/** `minutesMax`: of one run; then its process is killed, and the run told of as a failure and kept in `keep`. */
export function runJob(
  script: string,
  words: readonly string[],
  { keep, minutesMax = RUN_MINUTES_MAX }: { readonly keep: string; readonly minutesMax?: number },
): Promise<TallyMessage> {
  return new Promise((resolve) => {
    const child = fork(script, words);
    let message: TallyMessage = { ...new SimTally().message, exitCode: BROKEN_EXIT };
    let timer: NodeJS.Timeout | undefined;
    const stop = (): boolean => child.kill('SIGTERM');
    const kill = (run: Extract<JobNews, { kind: 'begins' }>): void => {
      console.log(`seed ${run.seed} FAILED (crash): it has not ended in ${minutesMax} minutes`);
      console.log(`  repeat it with: pnpm sim ${run.words} --trace`);
      const drawn = keepDrawn(keep, run.seed, run.schedule);
      console.log(`  after a change of what seeds draw: pnpm sim --schedule ${drawn} --trace`);
      message = { ...message, exitCode: HANGS_EXIT };
      child.kill('SIGKILL');
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    child.on('message', (news: JobNews) => {
      clearTimeout(timer);
      if (news.kind === 'begins') timer = setTimeout(kill, minutesMax * MINUTE_MS, news);
      else message = news.tally;
    });
    child.on('exit', () => {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve(message);
    });
  });
}
