import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeSchedule,
  formatSchedule,
  type RunFailure,
  type Schedule,
  shrinkSchedule,
  trySchedule,
} from '@holdfast/sim';
import { TraceReader } from '../sim-page/read-trace.ts';
import { simPage } from '../sim-page/sim-page.ts';

const SHRINK_MS_MAX = 60_000;
/** Of the trace, those that lead to the failure. */
const LINES_SHOWN = 60;
/** That a message has arrived says little to who reads that it was sent. */
const ARRIVAL = /^ *[\d.]+ {2}#\d+ at /;

export interface FailedRun {
  readonly schedule: Schedule;
  readonly failure: RunFailure;
  /** How to do it again. */
  readonly words: string;
  /** From its seed, which draws something else after a change: nobody has written it down yet. */
  readonly isDrawn: boolean;
}

/** Keeps the schedule of a run as its seed drew it. Answers where. */
export function keepDrawn(keep: string, seed: number, text: string): string {
  const path = join(keep, `seed-${seed}.drawn.json`);
  mkdirSync(keep, { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Tells of a failure, keeps its schedule, makes it smaller, and keeps what that has left and its trace. */
export async function reportFailure(
  failed: FailedRun,
  options: { readonly shrinks: boolean; readonly keep: string },
): Promise<void> {
  const { schedule, failure, words, isDrawn } = failed;
  console.log(`seed ${schedule.seed} FAILED (${failure.kind}): ${failure.message}`);
  if (failure.kind === 'crash' || failure.kind === 'simulator') console.log(failure.cause);
  console.log(`  repeat it with: pnpm sim ${words} --trace`);
  // Before it is made smaller: that takes a while, in which somebody may end this process.
  if (isDrawn) {
    const drawn = keepDrawn(options.keep, schedule.seed, formatSchedule(schedule));
    console.log(`  after a change of what seeds draw: pnpm sim --schedule ${drawn} --trace`);
  }
  if (!options.shrinks || failure.kind === 'simulator') return;
  const endsAt = performance.now() + SHRINK_MS_MAX;
  const shrunk = await shrinkSchedule(schedule, failure, { isTimeUp: () => performance.now() > endsAt });
  const lines: string[] = [];
  const reader = new TraceReader();
  const print = (line: string): void => {
    lines.push(line);
    reader.read(line);
  };
  await trySchedule(shrunk.schedule, { print });
  const path = join(options.keep, `seed-${schedule.seed}`);
  mkdirSync(options.keep, { recursive: true });
  writeFileSync(`${path}.json`, formatSchedule(shrunk.schedule));
  const why = `${shrunk.failure.kind}: ${shrunk.failure.message}`;
  writeFileSync(`${path}.txt`, `${why}\n\n${lines.join('\n')}\n`);
  writeFileSync(`${path}.html`, simPage(reader.timeline(why)));
  console.log(`  in ${shrunk.runs} runs made smaller: ${describeSchedule(shrunk.schedule)}`);
  console.log(`  ${shrunk.failure.message}`);
  for (const line of lines.filter((each) => !ARRIVAL.test(each)).slice(-LINES_SHOWN)) console.log(line);
  console.log(
    `  all of it: ${path}.txt, and as a page ${path}.html; repeat it with: pnpm sim --schedule ${path}.json --trace`,
  );
}
