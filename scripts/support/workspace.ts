import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT: string = join(import.meta.dirname, '../..');

/** The parts of a package.json that scripts look at. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  /** Folder name under packages/. */
  readonly folder: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** Every package, each after those it depends on. */
export function workspacePackages(root: string = ROOT): WorkspacePackage[] {
  const found = readdirSync(join(root, 'packages')).map((folder): WorkspacePackage => {
    const path = join(root, 'packages', folder);
    return {
      folder,
      path,
      manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest,
    };
  });
  const sorted = new Set<WorkspacePackage>();
  const visit = (visited: WorkspacePackage): void => {
    if (sorted.has(visited)) return;
    for (const name of Object.keys(visited.manifest.dependencies ?? {})) {
      const dependency = found.find(({ manifest }) => manifest.name === name);
      if (dependency !== undefined) visit(dependency);
    }
    sorted.add(visited);
  };
  for (const each of found) visit(each);
  return [...sorted];
}

/** Runs a program of the workspace with its output shown; returns the exit status, 1 for a signal. */
export function run(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): number {
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (error !== undefined) throw error;
  return status ?? 1;
}
