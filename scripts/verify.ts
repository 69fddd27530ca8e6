import { checkBoundaries } from './checks/boundaries.ts';
import { checkDocumentedErrors } from './checks/documented-errors.ts';
import { checkErrorCodes } from './checks/error-codes.ts';
import { checkFileLength } from './checks/file-length.ts';
import { checkSeams } from './checks/seams.ts';
import { type Check, loadSources } from './support/sources.ts';
import { run, workspacePackages } from './support/workspace.ts';

/**
 * Everything that a change must pass; changes nothing. All steps run, so that one look shows all
 * that is wrong. `--quick` leaves out the tests.
 */
const files = loadSources();

const steps: { name: string; passes: () => boolean }[] = [
  { name: 'format and lint', passes: () => run('biome', ['ci', '--error-on-warnings']) === 0 },
  { name: 'types', passes: () => run('tsc', ['-p', '.']) === 0 },
  { name: 'declarations', passes: declarationsAreWhole },
  { name: 'types of pages', passes: () => run('tsc', ['-p', 'scripts/sim-page/browser']) === 0 },
  { name: 'dead code', passes: () => run('knip', []) === 0 },
  { name: 'package boundaries', passes: () => passes(checkBoundaries) },
  { name: 'seams', passes: () => passes(checkSeams) },
  { name: 'error codes', passes: () => passes(checkErrorCodes) },
  { name: 'documented errors', passes: () => passes(checkDocumentedErrors) },
  { name: 'file length', passes: () => passes(checkFileLength) },
];
if (!process.argv.includes('--quick')) {
  steps.push({ name: 'tests', passes: () => run('vitest', ['run']) === 0 });
}

const results = steps.map(({ name, passes }) => {
  console.log(`\n== ${name}`);
  const startedAt = performance.now();
  return { name, ok: passes(), seconds: (performance.now() - startedAt) / 1000 };
});
console.log('');
for (const { name, ok, seconds } of results)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

/** What is published says its types by itself: each package as it is built, which the types of all together do not ask for. */
function declarationsAreWhole(): boolean {
  const published = workspacePackages().filter(({ manifest }) => manifest.private !== true);
  return published.every(({ path }) => run('tsc', ['-p', path, '--noEmit']) === 0);
}

function passes(check: Check): boolean {
  const problems = check(files);
  for (const problem of problems) console.log(problem);
  return problems.length === 0;
}
