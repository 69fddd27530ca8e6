import type { SourceFile } from '../../scripts/support/sources.ts';

/** A small tree of files to run a check on. */
export function tree(files: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}
