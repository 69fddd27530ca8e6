import { readFileSync } from 'node:fs';
import { countTests, type TestReport } from './support/test-report.ts';

/** Prints `N passed, N failed` of the report of vitest named as the argument; exit status 1 if any failed or none ran. */
const { passed, failed } = countTests(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as TestReport);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
