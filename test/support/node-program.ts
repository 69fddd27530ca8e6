import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Programs that tests start by the dozen, by the name of their kind: nodes with faults at hand, and one that wants a lock. */
export const NODE_PROGRAMS = {
  cluster: join(import.meta.dirname, 'cluster/node-process.ts'),
  faults: join(import.meta.dirname, 'faults/node-process.ts'),
  contender: join(import.meta.dirname, 'locks/contender-process.ts'),
} as const;

/** Names the folder with the bundles of this run of vitest; elsewhere the sources run as they are. */
export const BUNDLES_VARIABLE = 'BUNDLED_NODES';

const folder = process.env[BUNDLES_VARIABLE];

/** The file to run. */
export function nodeProgram(kind: keyof typeof NODE_PROGRAMS): string {
  return folder === undefined ? NODE_PROGRAMS[kind] : join(folder, `${kind}.mjs`);
}

/** Compiled code of it, so that a node that is started again is up in half the time. */
export const NODE_COMPILE_CACHE: string = join(folder ?? join(tmpdir(), 'holdfast-node'), 'compiled');
