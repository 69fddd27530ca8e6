/** The parts of vitest's JSON report that scripts look at. */
export interface TestReport {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** `passed` and everything else: a test that is skipped or a file that does not load has shown nothing. */
export function countTests(report: TestReport): { passed: number; failed: number } {
  let passed = 0;
  let failed = 0;
  for (const { status, assertionResults } of report.testResults) {
    const passedHere = assertionResults.filter((test) => test.status === 'passed').length;
    passed += passedHere;
    failed += assertionResults.length - passedHere;
    if (status !== 'passed' && passedHere === assertionResults.length) failed += 1;
  }
  if (!report.success && failed === 0) failed = 1;
  return { passed, failed };
}
