import { expect, it } from 'vitest';
import { checkBoundaries } from '../../scripts/checks/boundaries.ts';
import { tree } from './tree.ts';

const manifests = {
  'packages/types/package.json': '{"name":"@holdfast/types","exports":{".":"a.ts","./extra":"b.ts"}}',
  'packages/core/package.json': '{"name":"@holdfast/core","dependencies":{"@holdfast/types":"workspace:*"}}',
  'packages/wal/package.json':
    '{"name":"@holdfast/wal","dependencies":{"@holdfast/types":"workspace:*","@holdfast/core":"workspace:*","level":"1"}}',
};

it('accepts imports that point the right way', () => {
  const files = {
    'packages/wal/src/a.ts': [
      "import { assert } from '@holdfast/types';",
      "import type { Entry } from '@holdfast/core';",
      "import { type Core, type Effect } from '@holdfast/core';",
      "import { Level } from 'level';",
      "import { join } from 'node:path';",
      "export * from './b.ts';",
      "// import { SimDisk } from '@holdfast/sim';",
    ].join('\n'),
    'packages/wal/test/a.test.ts':
      "import { SimDisk } from '@holdfast/sim';\nimport { x } from '../src/a.ts';\nimport '../../../test/thresholds.ts';",
    'test/b.test.ts': "import { x } from '@holdfast/types/extra';",
    'scripts/a.ts': "import { x } from '@holdfast/wal';\nimport { y } from '../test/support/b.ts';",
  };
  expect(checkBoundaries(tree({ ...manifests, ...files }))).toEqual([]);
});

it.each([
  [
    'packages/core/src/a.ts',
    "import { Wal } from '@holdfast/wal';",
    'not among the dependencies in package.json',
  ],
  [
    'packages/wal/src/a.ts',
    "import { Core } from '@holdfast/core';",
    'wal imports nothing but types from core',
  ],
  [
    'packages/wal/src/a.ts',
    "import { type Entry, Core } from '@holdfast/core';",
    'wal imports nothing but types from core',
  ],
  ['packages/wal/src/a.ts', "export * from '@holdfast/types/src/brands.ts';", 'reaches inside a package'],
  [
    'packages/wal/src/a.ts',
    "import { term } from '../../types/src/index.ts';",
    'leaves the package: import it by its name',
  ],
  [
    'packages/wal/test/a.ts',
    "import { term } from '../../types/src/index.ts';",
    'leaves the package: import it by its name',
  ],
  [
    'scripts/a.ts',
    "import { term } from '../packages/types/src/index.ts';",
    'reaches inside a package: import it by its name',
  ],
  ['packages/wal/src/a.ts', "import { x } from '../test/x.ts';", 'sources do not import tests'],
  ['packages/wal/src/a.ts', "import { x } from './x.js';", 'a relative import names the file with its .ts'],
  ['packages/wal/src/a.ts', "import { join } from 'path';", 'write node:path'],
  ['packages/wal/src/a.ts', "const zod = await import('zod');", 'not among the dependencies in package.json'],
  ['packages/wal/src/a.ts', "import 'zod/mini';", 'not among the dependencies in package.json'],
])('%s: %s', (path, text, problem) => {
  const [specifier] = /(?<=')[^']+(?=')/.exec(text) ?? [];
  expect(checkBoundaries(tree({ ...manifests, [path]: text }))).toEqual([
    `${path}:1: ${specifier}: ${problem}`,
  ]);
});

it('wants a declared dependency to be in the table as well', () => {
  const files = {
    'packages/core/package.json': '{"name":"@holdfast/core","dependencies":{"@holdfast/wal":"workspace:*"}}',
    'packages/core/src/a.ts': "\nimport type { Wal } from '@holdfast/wal';",
    'packages/new/package.json': '{"name":"@holdfast/new","dependencies":{"@holdfast/wal":"workspace:*"}}',
    'packages/new/src/a.ts': "import type { Wal } from '@holdfast/wal';",
  };
  expect(checkBoundaries(tree(files))).toEqual([
    'packages/core/src/a.ts:2: @holdfast/wal: core does not import wal',
    'packages/new/src/a.ts:1: @holdfast/wal: packages/new is missing in the table of scripts/checks/boundaries.ts',
  ]);
});
