import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { type ImportedModule, importsOf } from '../support/imports.ts';
import type { Check, SourceFile } from '../support/sources.ts';
import type { Manifest } from '../support/workspace.ts';

/** What the sources of a package may import: of these packages all, and of those marked so types only. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  types: [],
  io: ['types'],
  core: ['types'],
  wire: ['types'],
  check: ['types'],
  wal: ['types', 'type core'],
  store: ['types', 'type core'],
  server: ['types', 'core', 'wire', 'wal', 'store', 'io'],
  client: ['types', 'wire', 'io'],
  cli: ['types', 'server', 'client', 'check'],
  sim: ['types', 'core', 'wire', 'wal', 'store', 'io', 'server', 'client', 'check'],
};

const SCOPE = '@holdfast/';

/** Imports point one way, name declared dependencies, and never reach inside another package. */
export const checkBoundaries: Check = (files) => {
  const manifests = new Map<string, Manifest>();
  for (const { path, text } of files) {
    const folder = /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1];
    if (folder !== undefined) manifests.set(folder, JSON.parse(text) as Manifest);
  }
  return files.filter(({ path }) => isChecked(path)).flatMap((file) => problemsOf(file, manifests));
};

/** The tests of the checks quote imports that must be refused. */
function isChecked(path: string): boolean {
  return path.endsWith('.ts') && !path.startsWith('test/checks/');
}

function problemsOf(file: SourceFile, manifests: ReadonlyMap<string, Manifest>): string[] {
  const [, folder, part] = /^packages\/([^/]+)\/([^/]+)\//.exec(file.path) ?? [];
  const problems: string[] = [];
  for (const imported of importsOf(file.text)) {
    const { specifier } = imported;
    let problem: string | undefined;
    if (specifier.startsWith('.')) problem = relativeProblem(file.path, specifier);
    else if (specifier.startsWith(SCOPE) && !isExported(specifier, manifests))
      problem = 'reaches inside a package';
    else if (folder !== undefined && part !== 'test') problem = packageProblem(folder, imported, manifests);
    if (problem !== undefined) problems.push(`${file.path}:${imported.line}: ${specifier}: ${problem}`);
  }
  return problems;
}

/** A package as such, or a part of it that its `exports` name. */
function isExported(specifier: string, manifests: ReadonlyMap<string, Manifest>): boolean {
  const [folder = '', ...rest] = specifier.slice(SCOPE.length).split('/');
  return rest.length === 0 || Object.hasOwn(manifests.get(folder)?.exports ?? {}, `./${rest.join('/')}`);
}

/** Sources stay inside their package; tests may also use the helpers shared under test/. */
function relativeProblem(path: string, specifier: string): string | undefined {
  if (!/\.(ts|json)$/.test(specifier)) return 'a relative import names the file with its .ts';
  const target = posix.join(posix.dirname(path), specifier);
  const home = /^packages\/[^/]+\//.exec(path)?.[0];
  if (home === undefined) {
    return target.startsWith('packages/') ? 'reaches inside a package: import it by its name' : undefined;
  }
  const isTest = path.startsWith(`${home}test/`);
  if (isTest) {
    return target.startsWith(home) || target.startsWith('test/')
      ? undefined
      : 'leaves the package: import it by its name';
  }
  if (!target.startsWith(home)) return 'leaves the package: import it by its name';
  return target.startsWith(`${home}test/`) ? 'sources do not import tests' : undefined;
}

function packageProblem(
  folder: string,
  { specifier, isTypeOnly }: ImportedModule,
  manifests: ReadonlyMap<string, Manifest>,
): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  if (builtinModules.includes(specifier)) return `write node:${specifier}`;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const manifest = manifests.get(folder);
  if (name === manifest?.name) return undefined;
  if (!Object.hasOwn(manifest?.dependencies ?? {}, name)) return 'not among the dependencies in package.json';
  if (!name.startsWith(SCOPE)) return undefined;
  const allowed = ALLOWED[folder];
  if (allowed === undefined)
    return `packages/${folder} is missing in the table of scripts/checks/boundaries.ts`;
  const target = name.slice(SCOPE.length);
  if (allowed.includes(target)) return undefined;
  if (!allowed.includes(`type ${target}`)) return `${folder} does not import ${target}`;
  return isTypeOnly ? undefined : `${folder} imports nothing but types from ${target}`;
}
