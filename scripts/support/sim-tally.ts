import { type FailureKind, MARKS, type MarkName, marksMissed, type RunReport } from '@holdfast/sim';

const EXIT: Readonly<Record<FailureKind, number>> = { safety: 1, liveness: 2, crash: 3, simulator: 4 };

/** What came of many runs. */
export class SimTally {
  passed = 0;
  /** Of the gravest failure; 0: none. */
  exitCode = 0;
  readonly marks: Map<MarkName, number> = new Map();

  pass(report: RunReport): void {
    this.add({ passed: 1, exitCode: 0, marks: [...report.marks] });
  }

  fail(kind: FailureKind): void {
    this.add({ passed: 0, exitCode: EXIT[kind], marks: [] });
  }

  add({ passed, exitCode, marks }: TallyMessage): void {
    this.passed += passed;
    if (exitCode !== 0) this.exitCode = this.exitCode === 0 ? exitCode : Math.min(this.exitCode, exitCode);
    for (const [mark, count] of marks) this.marks.set(mark, (this.marks.get(mark) ?? 0) + count);
  }

  get message(): TallyMessage {
    return { passed: this.passed, exitCode: this.exitCode, marks: [...this.marks] };
  }

  /** Marks: most frequent first, and what was never met. */
  print(): void {
    if (this.passed > 1) {
      for (const [mark, count] of [...this.marks].sort(([, one], [, other]) => other - one))
        console.log(`${String(count).padStart(9)}  ${mark}: ${MARKS[mark].says}`);
      for (const mark of marksMissed(this.marks)) console.log(`    never  ${mark}: ${MARKS[mark].says}`);
    }
    console.log(`${this.passed} runs passed${this.exitCode === 0 ? '' : ', others did not: see above'}`);
  }
}

/** What one process tells another of its runs. */
export interface TallyMessage {
  readonly passed: number;
  readonly exitCode: number;
  readonly marks: readonly (readonly [MarkName, number])[];
}
