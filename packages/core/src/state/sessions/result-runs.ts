import type { ResultRun, Revision, WriteResult } from '@holdfast/types';

/** Results of one session above its floor, by sequence; every sequence is in at most one run. */
export type ResultRuns = readonly ResultRun[];

/** How many results a run holds. */
export function runLength(run: ResultRun): number {
  return run.kind === 'plain' ? run.count : 1;
}

/** Place of the first run that ends at or above `sequence`; the number of runs when none does. */
export function placeOf(runs: ResultRuns, sequence: number): number {
  let high = runs.length;
  const last = runs[high - 1];
  // Most look-ups are for something new.
  if (last === undefined || last.sequence + runLength(last) <= sequence) return high;
  let low = 0;
  high -= 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const run = runs[middle]!;
    if (run.sequence + runLength(run) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The run that holds `sequence`. */
export function runAt(runs: ResultRuns, sequence: number): ResultRun | undefined {
  const run = runs[placeOf(runs, sequence)];
  return run !== undefined && run.sequence <= sequence ? run : undefined;
}

/** The result of `sequence`, which the run holds. */
export function resultIn(run: ResultRun, sequence: number): WriteResult {
  if (run.kind === 'single') return run.result;
  return { kind: 'written', revision: (run.revision + (sequence - run.sequence) * run.step) as Revision };
}

/** Drops what is at or below `floor`; a run that crosses it is cut. */
export function trimRuns(runs: ResultRun[], floor: number): void {
  const first = runs[0];
  if (first === undefined || first.sequence > floor) return;
  runs.splice(0, placeOf(runs, floor + 1));
  const crossing = runs[0];
  if (crossing?.kind !== 'plain' || crossing.sequence > floor) return;
  const gone = floor + 1 - crossing.sequence;
  runs[0] = {
    ...crossing,
    sequence: floor + 1,
    count: crossing.count - gone,
    revision: (crossing.revision + gone * crossing.step) as Revision,
  };
}

/**
 * The run with one more result at its end, or nothing if that does not fit. A run of one has no step yet: its
 * second result sets it, so that sessions taking turns within an entry still make runs.
 */
export function extendRun(
  run: ResultRun,
  next: Extract<ResultRun, { kind: 'plain' }>,
): ResultRun | undefined {
  if (run.kind !== 'plain' || run.index !== next.index || run.term !== next.term) return undefined;
  if (run.sequence + run.count !== next.sequence) return undefined;
  const step = run.count === 1 ? next.revision - run.revision : run.step;
  if (step < 0 || run.revision + run.count * step !== next.revision) return undefined;
  return { ...run, count: run.count + 1, step };
}
