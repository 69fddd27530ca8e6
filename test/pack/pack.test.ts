import { copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/support/workspace.ts';
import { runCommand } from '../support/command.ts';
import { exampleOutputs } from '../support/example-outputs.ts';
import { InstalledCluster } from '../support/installed-cluster.ts';
import { installedNames, installFrom, packAll, type Tarballs } from '../support/tarballs.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** All that an application gets with the client, but for the prebuilt binary of its platform. */
const CLIENT_TREE = [
  '@holdfast/client',
  '@holdfast/io',
  '@holdfast/types',
  '@holdfast/wire',
  '@opentelemetry/api',
  'abstract-level',
  'buffer',
  'base64-js',
  'detect-libc',
  'ieee754',
  'is-buffer',
  'level-supports',
  'level-transcoder',
  'maybe-combine-errors',
  'module-error',
  'msgpackr',
  'msgpackr-extract',
  'node-gyp-build-optional-packages',
  'ws',
].sort();

const COMPILER = ['typescript', '@types/node'];

/** What examples need of others. */
const EXAMPLES_NEED = ['blockstore-level', 'multiformats'];

/** The worked example of docs/testing.md, as an application would have it. */
const EXAMPLES = 'docs/examples/ticket-sale';
const EXAMPLE = ['naive-sale.ts', 'exact-sale.ts', 'simulate-sale.ts'];
const RUN_SALE = `
  import { SimulationFailure } from '@holdfast/sim';
  const load = (file) => import(new URL(file.replace('.ts', '.js'), import.meta.url).href);
  const [naive, exact, { simulateSale }] = await Promise.all(${JSON.stringify(EXAMPLE)}.map(load));
  const kindOf = (error) => (error instanceof SimulationFailure ? error.kind : String(error));
  let found;
  for (let seed = 1; found === undefined && seed <= 100; seed += 1) {
    const kind = await simulateSale(seed, naive.sellSeat).then(() => undefined, kindOf);
    if (kind !== undefined) found = { seed, kind };
  }
  await simulateSale(found.seed, exact.sellSeat);
  console.log(found.kind);
`;

const SLOW = { timeout: 300_000 };

describe('the packages as published', () => {
  let tarballs: Tarballs;

  beforeAll(() => {
    tarballs = packAll(temporaryDirectory());
  }, SLOW.timeout);

  it('hold what was built, the licence, and no sources or tests', () => {
    for (const [name, { file }] of tarballs) {
      const files = runCommand('tar', ['-tzf', file], ROOT).trim().split('\n');
      expect(files, name).toEqual(
        expect.arrayContaining(['package/dist/index.js', 'package/dist/index.d.ts', 'package/LICENSE']),
      );
      const others = files.filter(
        (path) => !/^package\/(dist\/.+\.(js|d\.ts)|package\.json|LICENSE|README\.md)$/.test(path),
      );
      expect(others, name).toEqual([]);
    }
  });

  it('type-check in a strict program that checks its libraries too', SLOW, () => {
    const directory = temporaryDirectory();
    installFrom(tarballs, [...tarballs.keys()], directory, COMPILER);
    const names = [...tarballs.keys()];
    const imports = names.map((name, at) => `import * as package${at} from '${name}';`);
    const uses = names.map((_, at) => `console.log(Object.keys(package${at}).length);`);
    writeFileSync(join(directory, 'consumer.ts'), [...imports, ...uses].join('\n'));
    for (const file of EXAMPLE) copyFileSync(join(ROOT, EXAMPLES, file), join(directory, file));
    writeFileSync(join(directory, 'run-sale.js'), RUN_SALE);
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      skipLibCheck: false,
      types: ['node'],
    };
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.ts', ...EXAMPLE] }),
    );
    runCommand('npx', ['--no-install', 'tsc', '-p', '.'], directory);
    const counts = runCommand('node', ['consumer.js'], directory).trim().split('\n').map(Number);
    expect(counts).toHaveLength(names.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(runCommand('node', ['run-sale.js'], directory)).toBe('body\n');
  });

  it('give a client that is small, and can be imported and required', SLOW, () => {
    const directory = temporaryDirectory();
    installFrom(tarballs, ['@holdfast/client'], directory);
    const names = installedNames(directory).filter((name) => !name.startsWith('@msgpackr-extract/'));
    expect(names).toEqual(CLIENT_TREE);
    const entries = {
      '@holdfast/client': 'Holdfast',
      '@holdfast/client/level': 'Level',
      '@holdfast/client/sagas': 'Sagas',
    };
    for (const [entry, name] of Object.entries(entries)) {
      const code = {
        'a.mjs': `import { ${name} } from '${entry}';`,
        'b.cjs': `const { ${name} } = require('${entry}');`,
      };
      for (const [file, load] of Object.entries(code)) {
        writeFileSync(join(directory, file), `${load}\nconsole.log(typeof ${name});`);
        expect(runCommand('node', [file], directory), `${entry} by ${file}`).toBe('function\n');
      }
    }
  });

  it('run three nodes, which keep what was acknowledged when the primary is killed', SLOW, async () => {
    const directory = temporaryDirectory();
    installFrom(tarballs, ['@holdfast/cli', '@holdfast/client'], directory, [...EXAMPLES_NEED, ...COMPILER]);
    writeFileSync(
      join(directory, 'read.js'),
      `import { Holdfast } from '@holdfast/client';
       const database = new Holdfast(process.argv[2], { timeoutMs: 30_000 });
       console.log(await database.get('greeting'));
       await database.close();`,
    );
    compileExamples(directory);
    const outputs = exampleOutputs();
    const cluster = await InstalledCluster.start(directory);
    try {
      const receipt = JSON.parse(cluster.run('put', 'greeting', 'hello', '--json'));
      expect(receipt).toMatchObject({ ack: 'quorum', repeated: false });
      for (const format of FORMATS) {
        // Each example has its namespace, or some; what one format left is what the other would find.
        for (const name of cluster
          .run('namespace', 'list')
          .split('\n')
          .filter((each) => outputs.has(each.split('/')[0] ?? '')))
          cluster.run('namespace', 'drop', name, '--yes');
        for (const [name, output] of outputs) {
          if (format === 'commonjs' && MODULES_ONLY.has(name)) continue;
          const main = join(directory, format, name, 'main.js');
          expect(runCommand('node', [main, cluster.urls], directory), `${name}, ${format}`).toBe(output);
        }
      }
      const rows = cluster.run('status', '--json').trim().split('\n');
      const primary = rows.map((row) => JSON.parse(row)).find(({ role }) => role === 'primary');
      await cluster.kill(primary.id);
      expect(cluster.run('get', 'greeting')).toBe('hello\n');
      expect(runCommand('node', ['read.js', cluster.urls], directory)).toBe('hello\n');
      const after = JSON.parse(cluster.run('put', 'greeting', 'again', '--json'));
      expect(after.term).toBeGreaterThan(receipt.term);
    } finally {
      await cluster.close();
    }
  });
});

/** Copies of the examples, compiled as a project of each format would. */
const FORMATS = ['module', 'commonjs'] as const;
/**
 * They stand on a package that cannot be required: 4.0.1 of `blockstore-level` answers `require` only where ES modules may be
 * required (`module-sync`), with a file that it does not hold.
 */
const MODULES_ONLY: ReadonlySet<string> = new Set(['ipfs-blocks']);

function compileExamples(directory: string): void {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    skipLibCheck: true,
    rewriteRelativeImportExtensions: true,
    types: ['node'],
  };
  for (const format of FORMATS) {
    const folder = join(directory, format);
    const names = [...exampleOutputs().keys()];
    for (const name of names.filter((each) => format === 'module' || !MODULES_ONLY.has(each)))
      cpSync(join(ROOT, 'docs/examples', name), join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: format }));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    runCommand('npx', ['--no-install', 'tsc', '-p', folder], directory);
  }
}
