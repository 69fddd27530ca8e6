import type { Schedule } from '../schedule/schedule.ts';
import { blamedFor } from './blame.ts';
import { RunFailure } from './run-failure.ts';
import { type RunOptions, type RunReport, runSchedule } from './run-schedule.ts';

/**
 * Runs a schedule, and answers what it failed with instead of throwing. What nobody waited for is a failure of the code
 * under test all the same. One at a time in a process.
 */
export async function trySchedule(
  schedule: Schedule,
  options: RunOptions = {},
): Promise<RunReport | RunFailure> {
  let unhandled: RunFailure | undefined;
  const onUnhandled = (error: unknown): void => {
    const whom = blamedFor(error) ?? 'crash';
    unhandled ??= new RunFailure(whom, whom, `nobody handled ${String(error)}`, error);
  };
  process.on('unhandledRejection', onUnhandled).on('uncaughtException', onUnhandled);
  try {
    const report = await runSchedule(schedule, options);
    return unhandled ?? report;
  } catch (error) {
    return error instanceof RunFailure ? (unhandled ?? error) : RunFailure.from(error, 'simulator');
  } finally {
    process.off('unhandledRejection', onUnhandled).off('uncaughtException', onUnhandled);
  }
}
