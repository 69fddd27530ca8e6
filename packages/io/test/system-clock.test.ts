import { spawnSync } from 'node:child_process';
import { expect, it, vi } from 'vitest';
import { SystemClock } from '../src/index.ts';

const SOURCE = JSON.stringify(new URL('../src/index.ts', import.meta.url).href);

it('keeps the process alive for a timer, unless it is a background one', () => {
  const run = (background: boolean, delayMs: number): string =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { SystemClock } = await import(${SOURCE});
         new SystemClock().setTimer(${delayMs}, () => console.log('fired'), { background: ${background} });`,
      ],
      { encoding: 'utf8' },
    ).stdout;
  expect(run(false, 50)).toBe('fired\n');
  // Longer than it takes any machine to end a process.
  expect(run(true, 30_000)).toBe('');
});

it('waits for a delay beyond what the platform counts in parts', () => {
  const wait = vi.spyOn(globalThis, 'setTimeout');
  const timer = new SystemClock().setTimer(2 ** 40, () => {});
  expect(wait.mock.lastCall![1]).toBe(2 ** 31 - 1);
  timer.cancel();
  wait.mockRestore();
});
