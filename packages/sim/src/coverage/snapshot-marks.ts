import type { Core, Effect, Input } from '@holdfast/core';
import type { Meet, StepMarks } from './step-marks.ts';

/** Snapshots sent and taken in, and what the log lets go. */
export class SnapshotMarks implements StepMarks {
  readonly #meet: Meet;
  /** Entries above the commit index before the step. */
  #uncommitted = 0;
  #installing = false;

  constructor(meet: Meet) {
    this.#meet = meet;
  }

  /** The base frame is ordered, and the store not swapped yet. */
  get installing(): boolean {
    return this.#installing;
  }

  before({ context }: Core, input: Input): void {
    this.#uncommitted = context.log.last.index - context.commit;
    if (input.kind === 'installed') this.#installing = false;
    if (input.kind === 'headRemoved') this.#meet('logCut');
  }

  after(core: Core, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) this.#effect(core, effect);
  }

  #effect(core: Core, effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        if (effect.order.record.kind !== 'base') break;
        this.#installing = true;
        if (!effect.order.record.keepTail && this.#uncommitted > 0) this.#meet('snapshotOverLog');
        break;
      case 'load':
        for (const { loading } of core.office?.replicator.progress.values() ?? [])
          if (loading === effect.id) this.#meet('entriesReadBack');
        break;
      case 'sendSnapshot':
        this.#meet('snapshotNeeded');
        break;
      case 'notice':
        if (effect.notice.kind !== 'snapshot') break;
        if (effect.notice.state === 'failed') this.#meet('snapshotFailed');
        if (effect.notice.state === 'installed') this.#meet('snapshotInstalled');
        break;
      default:
    }
  }
}
