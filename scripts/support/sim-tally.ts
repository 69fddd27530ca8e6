import {
  FAULT_KINDS,
  type FailureKind,
  type FaultKind,
  MARKS,
  type MarkName,
  marksMissed,
  type RunReport,
} from '@holdfast/sim';

const EXIT: Readonly<Record<FailureKind, number>> = { safety: 1, liveness: 2, crash: 3, simulator: 4 };
const HOUR_MS = 3_600_000;

/** Sums over runs. */
interface Sums {
  virtualMs: number;
  /** Of one core, as it took. */
  cpuMs: number;
  events: number;
  writes: number;
  reads: number;
  /** Of these, such as were content with less than they had asked for. */
  staleReads: number;
  /** Histories whose linearizability was not decided within bounds. */
  undecided: number;
}

/** What came of many runs. */
export class SimTally {
  passed = 0;
  /** Of the gravest failure; 0: none. */
  exitCode = 0;
  readonly marks: Map<MarkName, number> = new Map();
  readonly #faults = new Map<FaultKind, number>();
  readonly #sums: Sums = {
    virtualMs: 0,
    cpuMs: 0,
    events: 0,
    writes: 0,
    reads: 0,
    staleReads: 0,
    undecided: 0,
  };

  pass(report: RunReport, cpuMs: number): void {
    const { marks, faults, virtualMs, events, writes, reads, staleReads, linearizability } = report;
    this.add({
      passed: 1,
      exitCode: 0,
      marks: [...marks],
      faults: [...faults],
      sums: {
        virtualMs,
        cpuMs,
        events,
        writes: writes.acknowledged,
        reads,
        staleReads,
        undecided: linearizability === 'ok' ? 0 : 1,
      },
    });
  }

  fail(kind: FailureKind): void {
    this.exitCode = graver(this.exitCode, EXIT[kind]);
  }

  add({ passed, exitCode, marks, faults, sums }: TallyMessage): void {
    this.passed += passed;
    this.exitCode = graver(this.exitCode, exitCode);
    for (const [mark, count] of marks) this.marks.set(mark, (this.marks.get(mark) ?? 0) + count);
    for (const [kind, count] of faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    for (const name of Object.keys(sums) as (keyof Sums)[]) this.#sums[name] += sums[name];
  }

  get message(): TallyMessage {
    const { passed, exitCode, marks } = this;
    return { passed, exitCode, marks: [...marks], faults: [...this.#faults], sums: { ...this.#sums } };
  }

  /** Of several runs: marks, most frequent first, what was never met, faults of each kind, and how fast it went. */
  print(): void {
    if (this.passed > 1) {
      for (const [mark, count] of [...this.marks].sort(([, one], [, other]) => other - one))
        console.log(`${String(count).padStart(9)}  ${mark}: ${MARKS[mark].says}`);
      for (const mark of marksMissed(this.marks)) console.log(`    never  ${mark}: ${MARKS[mark].says}`);
      console.log(this.summary());
    }
    console.log(`${this.passed} runs passed${this.exitCode === 0 ? '' : ', others did not: see above'}`);
  }

  /** The kinds of fault that struck nobody. */
  get faultsMissed(): FaultKind[] {
    return FAULT_KINDS.filter((kind) => !this.#faults.has(kind));
  }

  /** Reads that were content with less than they had asked for. */
  get staleReads(): number {
    return this.#sums.staleReads;
  }

  /** Histories whose linearizability was not decided within bounds. */
  get undecided(): number {
    return this.#sums.undecided;
  }

  /** In words: how much was run, and how many faults of each kind struck. */
  summary(): string {
    const { virtualMs, cpuMs, events, writes, reads, staleReads, undecided } = this.#sums;
    const faults = FAULT_KINDS.map((kind) => `${kind} ${this.#faults.get(kind) ?? 0}`);
    const struck = [...this.#faults.values()].reduce((sum, count) => sum + count, 0);
    const eventsPerSecond = (events / cpuMs) * 1000;
    return (
      `${(virtualMs / HOUR_MS).toFixed(2)} virtual hours in ${(cpuMs / HOUR_MS).toFixed(2)} of one core ` +
      `(${(virtualMs / cpuMs).toFixed(1)} times real time, ${eventsPerSecond.toFixed(0)} events a second); ` +
      `${writes} writes acknowledged, ${reads} reads judged, ${staleReads} of them degraded, ${undecided} histories undecided\n` +
      `${struck} faults struck: ${faults.join(', ')}`
    );
  }
}

function graver(one: number, other: number): number {
  if (one === 0 || other === 0) return one + other;
  return Math.min(one, other);
}

/** What one process tells another of its runs. */
export interface TallyMessage {
  readonly passed: number;
  readonly exitCode: number;
  readonly marks: readonly (readonly [MarkName, number])[];
  readonly faults: readonly (readonly [FaultKind, number])[];
  readonly sums: Readonly<Sums>;
}
