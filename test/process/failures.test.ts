import { expect, test } from 'vitest';
import {
  ALL_REFUSE,
  ALL_SILENT,
  FAILURE_TABLE_HEAD,
  FAILURES,
  type FailureFigures,
  failureRow,
  PRIMARY_FROZEN,
  PRIMARY_SILENT,
  withProxiedCluster,
} from '../support/load/failures.ts';
import { THRESHOLDS } from '../thresholds.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const LASTS_MS = isLong ? 3000 : 1000;

test('whatever fails, every call ends in time, and nobody is asked more than a little', async () => {
  const failures = isLong ? FAILURES : [PRIMARY_FROZEN, PRIMARY_SILENT, ALL_REFUSE, ALL_SILENT];
  const figures: FailureFigures[] = [];
  await withProxiedCluster(async (measure) => {
    for (const failure of failures) figures.push(await measure(failure, LASTS_MS));
  });
  console.log([FAILURE_TABLE_HEAD, ...figures.map(failureRow)].join('\n'));
  console.log(
    figures
      .map((one) => `frames per call while ${one.failure}: ${one.framesPerCallMeanwhile.toFixed(2)}`)
      .join('\n'),
  );
  for (const { failure, latestMs, loopDelayMs, framesPerCallMeanwhile, succeeded } of figures) {
    expect(latestMs, failure).toBeLessThan(THRESHOLDS.endAfterDeadlineMs.asserted + loopDelayMs);
    // Before the failure, and after it.
    expect(succeeded, failure).toBeGreaterThan(0);
    if (failure === ALL_REFUSE.name || failure === ALL_SILENT.name)
      expect(framesPerCallMeanwhile, failure).toBeLessThan(THRESHOLDS.framesPerCall.asserted);
  }
});
