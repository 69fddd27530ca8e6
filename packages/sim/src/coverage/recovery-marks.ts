import type { Core, Effect, Input, Notice, RecoveredState } from '@holdfast/core';
import type { Ticket } from '@holdfast/types';
import type { Meet, StepMarks } from './step-marks.ts';

/** What the runs of one node leave to the next, and what that finds. */
export class RecoveryMarks implements StepMarks {
  readonly #meet: Meet;
  /** Tickets of the run before. */
  #ordered: Ticket | undefined;
  #durable = 0 as Ticket;
  /** What takes the place of a suffix that was cut is not durable yet. */
  #truncating: Ticket | undefined;

  constructor(meet: Meet) {
    this.#meet = meet;
  }

  recovered({ log, store, storeUsable }: RecoveredState): void {
    if (log.exclusion === 'hard-state-lost') this.#meet('hardStateLost');
    if (log.holes.length > 0) this.#meet('holeFound');
    if (!storeUsable) this.#meet('storeUnusable');
    if (this.#truncating !== undefined) this.#meet('diedTruncating');
    if (this.#ordered !== undefined) {
      if (this.#ordered > this.#durable) this.#meet('diedWithUnsynced');
      if (log.ticket < this.#ordered) this.#meet('tailLost');
      if (log.ticket > this.#durable) this.#meet('unreportedTailKept');
    }
    if (log.hardState.votedFor !== undefined) this.#meet('termOfVoteRecovered');
    if (store.applied.index > store.checkpoint.index) this.#meet('storeBehindLog');
    this.#ordered = log.ticket;
    this.#durable = log.ticket;
    this.#truncating = undefined;
  }

  before(_core: Core, input: Input): void {
    if (input.kind === 'persisted') this.#persisted(input.ticket);
    if (input.kind === 'order' && input.order.kind === 'diskFull')
      this.#meet(input.order.full ? 'diskFull' : 'diskHasRoom');
  }

  after(_core: Core, _input: Input, effects: readonly Effect[]): void {
    const truncates = effects.some(
      (effect) => effect.kind === 'notice' && effect.notice.kind === 'truncated',
    );
    for (const effect of effects) {
      if (effect.kind === 'notice') this.#noticed(effect.notice);
      if (effect.kind === 'send' && effect.message.kind === 'pull') this.#meet('entriesPulled');
      if (effect.kind === 'persist') this.#ordered = effect.order.ticket;
      if (effect.kind === 'persist' && truncates) this.#truncating = effect.order.ticket;
      if (effect.kind === 'fileDiverged') this.#meet('divergenceFiled');
      if (effect.kind === 'judged') this.#meet('supersededSurvived');
    }
  }

  #persisted(ticket: Ticket): void {
    this.#durable = ticket;
    if (this.#truncating !== undefined && this.#truncating <= ticket) this.#truncating = undefined;
  }

  #noticed(notice: Notice): void {
    if (notice.kind === 'repair' && notice.state === 'healed') this.#meet('holeHealed');
    if (notice.kind !== 'excluded') return;
    if (notice.reason === 'wiped') this.#meet('wipedFoundOut');
    if (notice.reason === 'disk-went-back') this.#meet('wentBackFoundOut');
  }
}
