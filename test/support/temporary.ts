import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

afterAll(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** An empty directory that goes when the tests of the importing file have ended. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  made.push(path);
  return path;
}
