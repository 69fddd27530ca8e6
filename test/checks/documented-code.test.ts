import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/support/workspace.ts';
import { runCommand } from '../support/command.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const PAGES = ['README.md', 'docs/client.md', 'docs/resilience.md', 'docs/sagas.md'];
const DOCUMENTED = join(ROOT, 'test/support/documented');
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  noEmit: true,
};

/** The programs of the pages, each by the page and the line where it begins. */
function programs(): Map<string, string> {
  const found = new Map<string, string>();
  for (const page of PAGES) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const { 1: code = '', index } of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      const line = text.slice(0, index).split('\n').length;
      found.set(`${page.replaceAll(/[/.]/g, '-')}-${line}.mts`, code);
    }
  }
  return found;
}

it('what the pages show is a program that a strict compiler takes', () => {
  const directory = temporaryDirectory();
  cpSync(DOCUMENTED, directory, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  const shown = programs();
  expect(shown.size).toBeGreaterThan(15);
  // Each is a module of its own: what one declares the next does not know.
  for (const [name, code] of shown) writeFileSync(join(directory, name), `${code}\nexport {};\n`);
  runCommand(join(ROOT, 'node_modules/.bin/tsc'), ['-p', directory], ROOT);
});
