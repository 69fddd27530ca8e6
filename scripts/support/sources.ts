import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './workspace.ts';

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What a check has to say, one line each; nothing if all is well. */
export type Check = (files: readonly SourceFile[]) => string[];

const FOLDERS = ['packages', 'scripts', 'test', 'docs'];
const EXTENSIONS = /\.(ts|md|json|txt)$/;
/** `theirs`: copies of what others wrote. */
const SKIPPED = new Set(['node_modules', 'dist', 'histories', '.holdfast', 'theirs']);

/** All text of the repository that checks look at. */
export function loadSources(root: string = ROOT): SourceFile[] {
  const files: SourceFile[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) visit(child);
      if (entry.isFile() && EXTENSIONS.test(entry.name)) {
        files.push({ path: child, text: readFileSync(join(root, child), 'utf8') });
      }
    }
  };
  for (const folder of FOLDERS) visit(folder);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
