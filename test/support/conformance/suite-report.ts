/** What the suite is run against. */
export type SuiteSubject =
  | { readonly kind: 'memory' }
  /** Each database gets a namespace of its own. */
  | { readonly kind: 'cluster'; readonly location: string };

export interface FailedAssertion {
  readonly test: string;
  /** Of the test, which has its name twice: once for the database, once for a sublevel. */
  readonly run: number;
  readonly assertion: string;
  /** Of what was thrown, and of what that was caused by. */
  readonly codes: readonly string[];
  readonly error: string;
}

export interface SuiteReport {
  /** Assertions by the name of their test. */
  readonly passed: Readonly<Record<string, number>>;
  readonly failed: readonly FailedAssertion[];
  readonly databases: number;
  readonly ms: number;
}

export function countPassed({ passed }: SuiteReport): number {
  return Object.values(passed).reduce((total, count) => total + count, 0);
}

/** Tests that passed another number of assertions in the one than in the other, one a line. */
export function differences(ours: SuiteReport, theirs: SuiteReport): string[] {
  const names = new Set([...Object.keys(ours.passed), ...Object.keys(theirs.passed)]);
  return [...names].sort().flatMap((name) => {
    const [own, other] = [ours.passed[name] ?? 0, theirs.passed[name] ?? 0];
    return own === other ? [] : [`${own} here, ${other} there: ${name}`];
  });
}
