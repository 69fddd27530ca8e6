import { afterAll, afterEach } from 'vitest';
import { cleanUps } from './clean-up.ts';

// Run anew for every file of tests, unlike the modules that they import.
afterEach(async ({ task }) => {
  const hasFailed = task.result?.state === 'fail';
  await Promise.all(cleanUps.map((cleanUp) => cleanUp.afterTest?.({ hasFailed })));
});

afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp.afterFile?.();
});
