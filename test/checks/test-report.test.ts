import { expect, it } from 'vitest';
import { countTests, type TestReport } from '../../scripts/support/test-report.ts';

function report(success: boolean, ...files: [status: string, ...tests: string[]][]): TestReport {
  const testResults = files.map(([status, ...tests]) => ({
    status,
    assertionResults: tests.map((test) => ({ status: test })),
  }));
  return { success, testResults };
}

it.each([
  ['all is well', report(true, ['passed', 'passed', 'passed']), { passed: 2, failed: 0 }],
  ['a test failed', report(false, ['failed', 'passed', 'failed']), { passed: 1, failed: 1 }],
  ['a test was skipped', report(true, ['passed', 'passed', 'skipped', 'todo']), { passed: 1, failed: 2 }],
  ['a file did not load', report(false, ['passed', 'passed'], ['failed']), { passed: 1, failed: 1 }],
  ['something failed outside of tests', report(false, ['passed', 'passed']), { passed: 1, failed: 1 }],
])('counts when %s', (_, results, counts) => {
  expect(countTests(results)).toEqual(counts);
});
