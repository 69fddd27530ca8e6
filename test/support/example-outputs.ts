import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/support/workspace.ts';

/** What each example prints, by the name of its folder: quoted in docs/examples/README.md. */
export function exampleOutputs(): ReadonlyMap<string, string> {
  const page = readFileSync(join(ROOT, 'docs/examples/README.md'), 'utf8');
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.flatMap((section) => {
      const name = /\]\(([a-z-]+)\//.exec(section)?.[1];
      const output = /```\n([\s\S]*?)```/.exec(section)?.[1];
      return name === undefined || output === undefined ? [] : [[name, output] as const];
    }),
  );
}
