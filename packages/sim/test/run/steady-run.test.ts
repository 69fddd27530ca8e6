import { expect, it } from 'vitest';
import { SteadyRun } from '../../src/index.ts';

it('makes so many calls a virtual second, and counts what happens', async () => {
  const run = await SteadyRun.formed(3);
  const idle = run.events;
  await run.advance(1000);
  const ofOneSecond = run.events - idle;
  expect(ofOneSecond).toBeGreaterThan(100);
  run.load(20);
  await run.advance(1000);
  expect(run.calls).toBeGreaterThan(15);
  expect(run.calls).toBeLessThanOrEqual(21);
  expect(run.events - idle - ofOneSecond).toBeGreaterThan(ofOneSecond);
  run.end();
  await run.advance(1000);
  expect(run.calls).toBe(21);
});
