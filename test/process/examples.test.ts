import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../../scripts/support/workspace.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { exampleOutputs } from '../support/example-outputs.ts';

test('the examples print on three nodes what their page says', async () => {
  const cluster = await startTestCluster();
  const outputs = exampleOutputs();
  expect([...outputs.keys()].sort()).toEqual([
    'inventory',
    'ipfs-blocks',
    'job-queue',
    'leader-cron',
    'order-saga',
    'rate-limiter',
    'session-store',
  ]);
  const printed = await Promise.all(
    [...outputs.keys()].map(async (name) => [name, await run(name, cluster.urls.join(','))] as const),
  );
  expect(Object.fromEntries(printed)).toEqual(Object.fromEntries(outputs));
});

async function run(name: string, urls: string): Promise<string> {
  const main = join(ROOT, 'docs/examples', name, 'main.ts');
  const child = spawn(process.execPath, [main, urls], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${output}`);
  return output;
}
