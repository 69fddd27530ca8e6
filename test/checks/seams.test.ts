import { expect, it } from 'vitest';
import { checkSeams } from '../../scripts/checks/seams.ts';
import { tree } from './tree.ts';

it.each([
  ['const at = Date.now();', 'Date.now: use the Clock seam'],
  ['const at = new Date();', 'new Date(): use the Clock seam'],
  ['const at = performance.now();', 'performance.now: use the Clock seam'],
  ['const at = process.hrtime.bigint();', 'process.hrtime: use the Clock seam'],
  ['setTimeout(f, 5);', 'setTimeout: use the Clock seam'],
  ['globalThis.setInterval(f, 5);', 'globalThis.setInterval: use the Clock seam'],
  ['const later = setImmediate;', 'setImmediate: use the Clock seam'],
  [`const text = \`\${Math.random()}\`;`, 'Math.random: use the Random seam'],
  ["import { randomUUID } from 'node:crypto';", 'randomUUID: use the Random seam'],
  ["import { open } from 'node:fs/promises';", 'node:fs/promises: use a seam of @holdfast/types'],
  ["import { connect } from 'net';", 'net: use a seam of @holdfast/types'],
  ["import { createServer, type Server } from 'node:http';", 'node:http: use a seam of @holdfast/types'],
  ["const { WebSocket } = await import('ws');", 'ws: use a seam of @holdfast/types'],
])('refuses %s', (text, problem) => {
  const path = 'packages/server/src/a.ts';
  expect(checkSeams(tree({ [path]: `\n${text}` }))).toEqual([`${path}:2: ${problem}`]);
});

it.each([
  'this.#clock.setTimer(5, f);',
  '// Never Date.now() here',
  '/* setTimeout */ const text = "Math.random()";',
  'const quote = /[\'"]/; clock.setTimeout(1); // Date.now',
  "import type { Server } from 'node:http';",
  "import { type Server } from 'node:http';",
  "import { createHash } from 'node:crypto';",
  'const at = new Date(clock.wallTime());',
])('accepts %s', (text) => {
  expect(checkSeams(tree({ 'packages/server/src/a.ts': text }))).toEqual([]);
});

it('leaves the real seams, the command line, tests and scripts alone', () => {
  const paths = [
    'packages/io/src/a.ts',
    'packages/cli/src/a.ts',
    'packages/wal/test/a.test.ts',
    'scripts/a.ts',
    'test/a.ts',
  ];
  for (const path of paths) expect(checkSeams(tree({ [path]: 'setTimeout(f, Date.now());' }))).toEqual([]);
});
