import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import type { NodelessOptions, NodelessReport } from '../support/load/nodeless-report.ts';
import { THRESHOLDS } from '../thresholds.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const LASTS_MS = isLong ? 60_000 : 8000;
const PENDING_CALLS_MAX = 1000;
const PROGRAM = join(import.meta.dirname, '../support/load/nodeless-process.ts');

test(
  `${LASTS_MS / 1000} s of calls without any node fill the queues and nothing else`,
  async () => {
    const cluster = await startTestCluster();
    const options: NodelessOptions = {
      urls: cluster.urls,
      callsPerSecond: 2000,
      lastsMs: LASTS_MS,
      timeoutMs: 1000,
      pendingCallsMax: PENDING_CALLS_MAX,
    };
    const child = fork(PROGRAM, [JSON.stringify(options)], { execArgv: ['--expose-gc'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'message');
    await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
    const [report] = (await once(child, 'message')) as [NodelessReport];
    const { before, early, late, after, calls, pendingMax, failed } = report;
    const full = failed.HOLDFAST_CLIENT_QUEUE_FULL ?? 0;
    console.log(
      `${calls} calls without a node: heap ${mebibytes(early)} MiB at first, ${mebibytes(late)} in the end ` +
        `(at rest ${mebibytes(before)} before, ${mebibytes(after)} after); ${pendingMax} calls waited at most; ` +
        `failed: ${Object.entries(failed)
          .map(([code, count]) => `${count} ${code}`)
          .join(', ')}`,
    );
    expect(late / early).toBeLessThan(THRESHOLDS.heapWithoutNodes.asserted);
    expect(after / before).toBeLessThan(THRESHOLDS.heapWithoutNodes.asserted);
    expect(pendingMax).toBeLessThanOrEqual(PENDING_CALLS_MAX);
    expect(full).toBeGreaterThan(0);
    expect(Object.keys(failed).toSorted()).toEqual(['HOLDFAST_CLIENT_QUEUE_FULL', 'HOLDFAST_NO_PRIMARY']);
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    child.send('back');
    expect((await once(child, 'message'))[0]).toEqual({ kind: 'back' });
  },
  LASTS_MS + 60_000,
);

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}
