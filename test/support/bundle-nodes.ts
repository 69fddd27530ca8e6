import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { BUNDLES_VARIABLE, NODE_PROGRAMS } from './node-program.ts';

/** They load native code that lies beside them. */
const LEFT_OUT: ReadonlySet<string> = new Set(['classic-level', 'msgpackr']);

/** Imported by where they are, since the bundle lies elsewhere. */
const leaveOut: Plugin = {
  name: 'leave out',
  async resolveId(source, importer) {
    if (!LEFT_OUT.has(source)) return null;
    const found = await this.resolve(source, importer, { skipSelf: true });
    return found === null ? null : { id: found.id, external: 'absolute' };
  },
};

/**
 * Set up once for a run of vitest: the programs that tests start by the dozen, each made one file of the sources as they are. A test
 * starts dozens of nodes, and to load five hundred files takes a process half a second of a core each time.
 */
export default async function bundleNodes(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-nodes-'));
  // Some nodes run as another user.
  chmodSync(folder, 0o755);
  const bundle = await rolldown({ input: NODE_PROGRAMS, platform: 'node', plugins: [leaveOut] });
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name].mjs',
  });
  await bundle.close();
  process.env[BUNDLES_VARIABLE] = folder;
  return () => {
    delete process.env[BUNDLES_VARIABLE];
    rmSync(folder, { recursive: true });
  };
}
