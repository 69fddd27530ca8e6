import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUps } from './clean-up.ts';

const made: string[] = [];

cleanUps.push({
  afterFile: () => {
    for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
  },
});

/** An empty directory that goes when the tests of the file have ended. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  made.push(path);
  return path;
}
