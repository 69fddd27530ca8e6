import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { SuiteReport, SuiteSubject } from './suite-report.ts';

const PROGRAM = join(import.meta.dirname, 'suite-process.ts');

/** Runs abstract-level's suite to its end. Rejects if the process ends otherwise. */
export function runSuite(subject: SuiteSubject): Promise<SuiteReport> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(subject)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const killOnExit = (): boolean => child.kill('SIGKILL');
  process.on('exit', killOnExit);
  return new Promise<SuiteReport>((resolve, reject) => {
    child.on('message', (report: SuiteReport) => resolve(report));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.off('exit', killOnExit);
      reject(new Error(`the suite ended with ${code ?? signal} before it was done`));
    });
  });
}
