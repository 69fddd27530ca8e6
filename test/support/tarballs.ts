import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, type WorkspacePackage, workspacePackages } from '../../scripts/support/workspace.ts';
import { runCommand } from './command.ts';

/** The published packages, by name, as they would go to the registry. */
export type Tarballs = ReadonlyMap<string, { readonly file: string; readonly source: WorkspacePackage }>;

/** Builds and packs every published package into `directory`. */
export function packAll(directory: string): Tarballs {
  runCommand('node', ['scripts/build.ts'], ROOT);
  const published = workspacePackages().filter(({ manifest }) => manifest.private !== true);
  return new Map(
    published.map((source) => [source.manifest.name, { source, file: pack(source, directory) }]),
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

function pack({ path, folder }: WorkspacePackage, directory: string): string {
  const target = join(directory, folder);
  mkdirSync(target, { recursive: true });
  runCommand('pnpm', ['pack', '--pack-destination', target], path);
  return join(target, readdirSync(target).find((name) => name.endsWith('.tgz')) ?? '');
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
