#!/usr/bin/env node
// Only what any Node since 14 parses, and nothing of Holdfast imported before the check: on an old one a person must
// read what to do, not a syntax error from somewhere inside.
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 12)) {
  console.error(`holdfast needs Node.js 22.12 or newer; this is ${process.versions.node}.`);
  console.error(
    'Install a newer one from https://nodejs.org, or run: npx --package node@24 --call "holdfast …"',
  );
  process.exitCode = 2;
} else {
  // Every command and every node of `up` is a new process: compiling once for all of them halves their start.
  nodeModule.enableCompileCache();
  import('../src/run.ts')
    .then(({ run }) => run(process.argv.slice(2), { program: fileURLToPath(import.meta.url) }))
    .then((status) => process.exit(status));
}
