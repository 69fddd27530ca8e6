import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import {
  FAILOVER_TABLE_HEAD,
  type FailoverFigures,
  type Fault,
  failoverRow,
  KILL,
  measureFailovers,
  PAUSE,
  quantile,
  SWITCHOVER,
} from '../support/load/failovers.ts';
import { THRESHOLDS } from '../thresholds.ts';

const isLong = process.env.HOLDFAST_LONG === '1';

async function figuresOf(fault: Fault, runs: number): Promise<FailoverFigures> {
  const cluster = await startTestCluster({ rehearses: true });
  const figures = await measureFailovers({ cluster, fault, runs });
  console.log(`${FAILOVER_TABLE_HEAD}\n${failoverRow(figures)}`);
  console.log(`gaps: ${figures.gaps.map(({ gapMs }) => gapMs.toFixed(0)).join(', ')} ms`);
  expect(figures.words).toEqual([]);
  expect(figures).toMatchObject({ failed: 0, unknown: 0 });
  return figures;
}

function median({ gaps }: FailoverFigures): number {
  return quantile(
    gaps.map(({ gapMs }) => gapMs),
    0.5,
  );
}

test('a killed primary is replaced, and no call fails', async () => {
  const figures = await figuresOf(KILL, isLong ? 20 : 5);
  expect(median(figures)).toBeLessThan(THRESHOLDS.killGapMs.asserted);
});

test('a primary that hangs is replaced, nobody waits for it, and it comes back as a standby', async () => {
  const figures = await figuresOf(PAUSE, isLong ? 20 : 3);
  expect(median(figures)).toBeLessThan(THRESHOLDS.pauseGapMs.asserted);
  for (const { longestCallMs, gapMs } of figures.gaps)
    expect(longestCallMs - gapMs).toBeLessThan(THRESHOLDS.callBeyondGapMs.asserted);
});

test('a switchover fails no call', async () => {
  const figures = await figuresOf(SWITCHOVER, isLong ? 20 : 5);
  expect(median(figures)).toBeLessThan(THRESHOLDS.switchoverGapMs.asserted);
});
