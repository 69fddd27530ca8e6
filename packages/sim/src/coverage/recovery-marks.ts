import type { Core, Effect, Input, RecoveredState } from '@holdfast/core';
import type { Ticket } from '@holdfast/types';
import type { Meet, StepMarks } from './step-marks.ts';

/** What the runs of one node leave to the next, and what that finds. */
export class RecoveryMarks implements StepMarks {
  readonly #meet: Meet;
  /** Tickets of the run before. */
  #ordered: Ticket | undefined;
  #durable = 0 as Ticket;

  constructor(meet: Meet) {
    this.#meet = meet;
  }

  recovered({ log, store }: RecoveredState): void {
    if (this.#ordered !== undefined) {
      if (this.#ordered > this.#durable) this.#meet('diedWithUnsynced');
      if (log.ticket < this.#ordered) this.#meet('tailLost');
      if (log.ticket > this.#durable) this.#meet('unreportedTailKept');
    }
    if (log.hardState.votedFor !== undefined) this.#meet('termOfVoteRecovered');
    if (store.applied.index > store.checkpoint.index) this.#meet('storeBehindLog');
    this.#ordered = log.ticket;
    this.#durable = log.ticket;
  }

  before(_core: Core, input: Input): void {
    if (input.kind === 'persisted') this.#durable = input.ticket;
  }

  after(_core: Core, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'persist') this.#ordered = effect.order.ticket;
      if (effect.kind === 'fileDiverged') this.#meet('divergenceFiled');
      if (effect.kind === 'judged') this.#meet('supersededSurvived');
    }
  }
}
