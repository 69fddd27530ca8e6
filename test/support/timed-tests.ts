import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TESTS = join(import.meta.dirname, '..');
/** They assert no duration, but how much may happen in how little time, or that nothing happens for a while. */
const OTHERS = [
  'test/process/saturation.test.ts',
  'test/damage/clock.test.ts',
  'test/divergence/local-writes.test.ts',
  'test/hostile/connections.test.ts',
];

/** Tests of whole clusters that nothing may run beside: those with a bound of `thresholds.ts`, and a few more. */
export function timedTests(): string[] {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' });
  const bounded = files.filter(
    (file) =>
      file.endsWith('.test.ts') && /from '.*\/thresholds\.ts'/.test(readFileSync(join(TESTS, file), 'utf8')),
  );
  return [...bounded.map((file) => `test/${file}`), ...OTHERS];
}
