import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, type WorkspacePackage, workspacePackages } from '../../scripts/support/workspace.ts';
import { runCommand } from './command.ts';

/** The published packages, by name, as they would go to the registry. */
export type Tarballs = ReadonlyMap<string, { readonly file: string; readonly source: WorkspacePackage }>;

/** Builds and packs every published package into `directory`: all with one command, since each takes a second of a core to start. */
export function packAll(directory: string): Tarballs {
  runCommand('node', ['scripts/build.ts'], ROOT);
  const published = workspacePackages().filter(({ manifest }) => manifest.private !== true);
  const filters = published.map(({ manifest }) => `--filter=${manifest.name}`);
  runCommand('pnpm', ['--recursive', ...filters, 'pack', '--pack-destination', directory], ROOT);
  const files = readdirSync(directory);
  return new Map(
    published.map((source) => {
      const { name } = source.manifest;
      const start = `${name.slice(1).replace('/', '-')}-`;
      const found = files.filter((file) => file.startsWith(start) && file.endsWith('.tgz'));
      if (found.length !== 1) throw new Error(`packed of ${name}: ${found.join(', ') || 'nothing'}`);
      return [name, { source, file: join(directory, found[0] as string) }];
    }),
  );
}

/**
 * Installs packages and what they need of each other with npm, as a user would, in a new directory; `others` are names
 * from the registry, in the versions of the workspace.
 */
export function installFrom(
  tarballs: Tarballs,
  names: readonly string[],
  directory: string,
  others: readonly string[] = [],
): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  const files = [...closure(tarballs, names)].map((name) => tarballs.get(name)?.file as string);
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const registered = others.map((name) => `${name}@${devDependencies[name]}`);
  runCommand('npm', ['install', '--no-audit', '--no-fund', ...files, ...registered], directory);
}

/** Names of everything under node_modules, sorted. */
export function installedNames(directory: string): string[] {
  const folder = join(directory, 'node_modules');
  const names = readdirSync(folder).flatMap((name) => {
    if (name.startsWith('.')) return [];
    return name.startsWith('@') ? readdirSync(join(folder, name)).map((child) => `${name}/${child}`) : [name];
  });
  return names.sort();
}

function closure(tarballs: Tarballs, names: readonly string[]): Set<string> {
  const all = new Set<string>();
  const visit = (name: string): void => {
    const tarball = tarballs.get(name);
    if (tarball === undefined || all.has(name)) return;
    all.add(name);
    for (const dependency of Object.keys(tarball.source.manifest.dependencies ?? {})) visit(dependency);
  };
  for (const name of names) visit(name);
  return all;
}
