import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Simulator from '@holdfast/sim';
import { ROOT } from '../../../scripts/support/workspace.ts';

/** Sources that are not as they are in the workspace, by their paths in it. */
export type ChangedSources = Readonly<Record<string, string>>;

const PACKAGES = `${pathToFileURL(join(ROOT, 'packages')).href}/`;
const PARAMETER = 'mutant';

const changes = new Map<string, ChangedSources>();
/** By source: most of them are the same in every mutant. */
const stripped = new Map<string, string>();
let isHooked = false;

/**
 * The simulator, with all packages that it is made of, as modules of their own in this process, some of them changed.
 * Loading it a second time costs a fifth of a second; a copy of the workspace and a process for it took three.
 */
export async function loadMutant(name: string, sources: ChangedSources): Promise<typeof Simulator> {
  if (!isHooked) hook();
  isHooked = true;
  changes.set(name, sources);
  return await import(`${PACKAGES}sim/src/index.ts?${PARAMETER}=${name}`);
}

function hook(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const name = mutantOf(context.parentURL);
      if (name === undefined || !resolved.url.startsWith(PACKAGES) || resolved.url.includes('/node_modules/'))
        return resolved;
      const [url] = resolved.url.split('?');
      return { ...resolved, url: `${url}?${PARAMETER}=${name}` };
    },
    load(url, context, next) {
      const name = mutantOf(url);
      if (name === undefined || !url.startsWith(PACKAGES)) return next(url, context);
      const path = fileURLToPath(url);
      const source = changes.get(name)?.[path.slice(ROOT.length + 1)] ?? readFileSync(path, 'utf8');
      return { format: 'module', source: withoutTypes(source), shortCircuit: true };
    },
  });
}

function mutantOf(url: string | undefined): string | undefined {
  const query = url?.split('?')[1];
  return query === undefined ? undefined : (new URLSearchParams(query).get(PARAMETER) ?? undefined);
}

function withoutTypes(source: string): string {
  const known = stripped.get(source) ?? stripTypeScriptTypes(source);
  stripped.set(source, known);
  return known;
}
