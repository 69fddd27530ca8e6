import { expect, test } from 'vitest';
import { locationOf } from '../support/cluster/location.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { runSuite } from '../support/conformance/run-suite.ts';
import { countPassed, differences } from '../support/conformance/suite-report.ts';

test('abstract-level’s own suite passes on three nodes, nothing left out', { timeout: 300_000 }, async () => {
  const cluster = await startTestCluster();
  const theirs = await runSuite({ kind: 'memory' });
  const ours = await runSuite({ kind: 'cluster', location: locationOf(cluster) });
  console.log(
    `abstract-level/test: ${countPassed(ours)} assertions passed, ${ours.failed.length} failed, ` +
      `${ours.databases} databases, ${(ours.ms / 1000).toFixed(1)} s; memory-level: ${countPassed(theirs)} passed, ` +
      `${theirs.failed.length} failed, ${(theirs.ms / 1000).toFixed(1)} s`,
  );
  console.log(`differences by test:\n${differences(ours, theirs).join('\n')}`);
  expect(ours.failed).toEqual([]);
  expect(theirs.failed).toEqual([]);
  // Fewer would mean that a part of the suite was not run: it chooses by the manifest.
  expect(countPassed(ours)).toBeGreaterThan(4500);
});
