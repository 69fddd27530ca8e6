import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Consumer, RUN_VARIABLE, type TestOutcome } from './consumer.ts';

const PROGRAM = join(import.meta.dirname, 'consumer-process.ts');
const REPORTER = join(import.meta.dirname, 'node-test-process.ts');
/** node's own runner says what it found in its own way, and does not end while a database is open. */
const NODE_TEST = [`--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout', '--test-force-exit'];

/** Runs a package's own tests on the cluster, each database in a namespace of its own, until `signal` ends them. */
export function runConsumer(
  consumer: Consumer,
  { location, signal }: { location: string; signal: AbortSignal },
): Promise<TestOutcome[]> {
  const flags = consumer.runner === 'node:test' ? NODE_TEST : [];
  const child = spawn(process.execPath, [...flags, PROGRAM], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
    env: { ...process.env, [RUN_VARIABLE]: JSON.stringify({ ...consumer, location }) },
  });
  const killOnExit = (): boolean => child.kill('SIGKILL');
  process.on('exit', killOnExit);
  const outcomes: TestOutcome[] = [];
  return new Promise((resolve, reject) => {
    child.on('message', (outcome: TestOutcome) => outcomes.push(outcome));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('exit', killOnExit);
      const failed = outcomes.some(({ error }) => error !== undefined);
      if (code === 0 || failed) resolve(outcomes);
      else reject(new Error(`the tests of ${consumer.name} ended with ${code ?? signal}`));
    });
  });
}
