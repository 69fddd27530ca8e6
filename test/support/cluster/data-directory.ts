import { mkdirSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TMPFS_MAGIC = 0x0102_1994;
const IN_REPOSITORY = join(import.meta.dirname, '../../../node_modules/.cache/holdfast');

/** An empty directory on a real file system: in memory a sync costs nothing and proves nothing. */
export function makeDataDirectory(): string {
  const parent = isInMemory(tmpdir()) ? IN_REPOSITORY : tmpdir();
  mkdirSync(parent, { recursive: true });
  if (isInMemory(parent)) throw new Error(`${parent} is in memory: set TMPDIR to a real file system`);
  return mkdtempSync(join(parent, 'holdfast-cluster-'));
}

function isInMemory(path: string): boolean {
  return statfsSync(path).type === TMPFS_MAGIC;
}
