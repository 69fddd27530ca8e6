import { fork } from 'node:child_process';
import { newFirstSeed, type SimOptions, type SimWork, wordsForJob } from './sim-options.ts';
import { SimTally, type TallyMessage } from './sim-tally.ts';

/** Of a night: then the processes begin anew, so that none of them has to last. */
const SLICE_MINUTES = 30;
/** A process that ends without a word. */
const BROKEN_EXIT = 4;

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
  const told = await Promise.all(places.map((place) => runJob(script, wordsForJob(options, work, place))));
  for (const message of told) tally.add(message);
}

function runJob(script: string, words: readonly string[]): Promise<TallyMessage> {
  return new Promise((resolve) => {
    const child = fork(script, words);
    let message: TallyMessage = { ...new SimTally().message, exitCode: BROKEN_EXIT };
    const stop = (): boolean => child.kill('SIGTERM');
    process.on('SIGTERM', stop);
    child.on('message', (told) => {
      message = told as TallyMessage;
    });
    child.on('exit', () => {
      process.off('SIGTERM', stop);
      resolve(message);
    });
  });
}
