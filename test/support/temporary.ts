import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUps } from './clean-up.ts';
import { makeDataDirectory } from './cluster/data-directory.ts';

const made: string[] = [];

cleanUps.push({
  afterFile: () => {
    for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
  },
});

/** An empty directory that goes when the tests of the file have ended. */
export function temporaryDirectory(): string {
  return madeNow(mkdtempSync(join(tmpdir(), 'holdfast-test-')));
}

/** As above, never in memory: for the data of nodes that are killed. */
export function temporaryDataDirectory(): string {
  return madeNow(makeDataDirectory());
}

function madeNow(path: string): string {
  made.push(path);
  return path;
}
