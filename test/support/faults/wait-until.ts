import { setImmediate } from 'node:timers';
import { promisify } from 'node:util';

const nextTurn = promisify(setImmediate);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The first thing that `condition` gives other than undefined or false; fails after `timeoutMs` with what it waited for. */
export async function waitUntil<Value>(
  what: string,
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  timeoutMs = 15_000,
): Promise<Value> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > until) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await nextTurn();
    await pause(5);
  }
}
