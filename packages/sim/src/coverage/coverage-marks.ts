import type { Core, Effect, Input, RecoveredState } from '@holdfast/core';
import type { NodeId, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { ClientMarks } from './client-marks.ts';
import { ElectionMarks, type KnownTerms } from './election-marks.ts';
import { LogMarks } from './log-marks.ts';
import { MARK_NAMES, type MarkName } from './mark-list.ts';
import { RecoveryMarks } from './recovery-marks.ts';
import { SnapshotMarks } from './snapshot-marks.ts';
import type { StepMarks } from './step-marks.ts';

/** One run of a node. */
interface Run {
  readonly sources: readonly StepMarks[];
  readonly snapshots: SnapshotMarks;
  core: Core | undefined;
}

/**
 * Counts the rare paths that a run takes. They are told from what goes into the cores and comes out of them, so that
 * the product carries nothing for it.
 */
export class CoverageMarks {
  readonly #counts = new Map<MarkName, number>();
  readonly #runs = new Map<NodeId, Run>();
  readonly #recoveries = new Map<NodeId, RecoveryMarks>();
  readonly #terms: KnownTerms = { newestOffice: 0 as Term };
  readonly #meet = (mark: MarkName): void => this.meet(mark);
  readonly #onMet: (mark: MarkName, node: NodeId) => void;
  /** Who takes a step, or has read its disk. */
  #at: NodeId | undefined;

  /** `onMet`: told of what one node meets. */
  constructor(onMet: (mark: MarkName, node: NodeId) => void = () => {}) {
    this.#onMet = onMet;
  }

  get counts(): ReadonlyMap<MarkName, number> {
    return this.#counts;
  }

  meet(mark: MarkName): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
    if (this.#at !== undefined) this.#onMet(mark, this.#at);
  }

  onRecovered({ node }: Boot, recovered: RecoveredState): void {
    this.#at = node;
    if (this.#runs.get(node)?.snapshots.installing === true) this.meet('diedInstalling');
    let recovery = this.#recoveries.get(node);
    if (recovery === undefined) {
      recovery = new RecoveryMarks(this.#meet);
      this.#recoveries.set(node, recovery);
    }
    recovery.recovered(recovered);
    const snapshots = new SnapshotMarks(this.#meet);
    const sources = [
      new ElectionMarks(this.#meet, this.#terms),
      new LogMarks(this.#meet),
      new ClientMarks(this.#meet),
      snapshots,
      recovery,
    ];
    this.#runs.set(node, { sources, snapshots, core: undefined });
    this.#at = undefined;
  }

  beforeStep({ node }: Boot, core: Core, input: Input): void {
    this.#at = node;
    const run = this.#runs.get(node)!;
    run.core = core;
    for (const source of run.sources) source.before(core, input);
  }

  afterStep({ node }: Boot, input: Input, effects: readonly Effect[]): void {
    const { core, sources } = this.#runs.get(node)!;
    for (const source of sources) source.after(core!, input, effects);
    this.#at = undefined;
  }
}

/** The marks that none of the runs met. */
export function marksMissed(counts: ReadonlyMap<MarkName, number>): MarkName[] {
  return MARK_NAMES.filter((name) => !counts.has(name));
}
