import { expect, test } from 'vitest';
import { startTestClusterOfHosts } from '../support/cluster/test-cluster.ts';
import {
  FAILOVER_TABLE_HEAD,
  failoverRow,
  measureFailovers,
  quantile,
  vanishFrom,
} from '../support/load/failovers.ts';
import { THRESHOLDS } from '../thresholds.ts';

test('a primary whose host vanishes is replaced, and nobody waits for it', async () => {
  const { cluster, network } = await startTestClusterOfHosts();
  const runs = process.env.HOLDFAST_LONG === '1' ? 20 : 3;
  const figures = await measureFailovers({ cluster, fault: vanishFrom(network), runs });
  console.log(`${FAILOVER_TABLE_HEAD}\n${failoverRow(figures)}`);
  expect(figures.words).toEqual([]);
  expect(figures).toMatchObject({ failed: 0, unknown: 0 });
  const gapsMs = figures.gaps.map(({ gapMs }) => gapMs);
  expect(quantile(gapsMs, 0.5)).toBeLessThan(THRESHOLDS.vanishGapMs.asserted);
  for (const { longestCallMs, gapMs } of figures.gaps)
    expect(longestCallMs - gapMs).toBeLessThan(THRESHOLDS.callBeyondGapMs.asserted);
});
