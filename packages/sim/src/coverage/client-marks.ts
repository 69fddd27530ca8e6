import type { Core, Effect, Input } from '@holdfast/core';
import type { MarkName } from './mark-list.ts';
import type { Meet, StepMarks } from './step-marks.ts';

type Reply = Extract<Effect, { kind: 'reply' }>['replies'][number];

/** By the code of a refusal. */
const OF_CODES: Readonly<Record<string, MarkName>> = {
  HOLDFAST_OVERLOADED: 'queueFull',
  HOLDFAST_OUTCOME_UNKNOWN: 'answeredUnknown',
  HOLDFAST_SEQUENCE_CLOSED: 'sequenceClosed',
  HOLDFAST_SESSION_EXPIRED: 'sessionUnknown',
  HOLDFAST_SESSION_DIVERGED: 'sessionDiverged',
  HOLDFAST_NOT_PRIMARY: 'refusedNotPrimary',
  HOLDFAST_DEADLINE_EXCEEDED: 'deadlinePassed',
};

/** What clients ask for and are told. */
export class ClientMarks implements StepMarks {
  readonly #meet: Meet;

  constructor(meet: Meet) {
    this.#meet = meet;
  }

  before(core: Core, input: Input): void {
    if (input.kind === 'propose' && core.office !== undefined) {
      const { pending } = core.office.admission;
      if (input.requests.some(({ sequence }) => pending.get(input.session, sequence) !== undefined))
        this.#meet('repeatJoined');
    }
    if (input.kind !== 'read') return;
    if (!core.serving && core.context.exclusion === undefined) this.#meet('readWhileReplaying');
    const linearizable = input.reads.some(({ consistency }) => consistency === 'linearizable');
    if (linearizable && core.office?.admitting === false) this.#meet('readBeforeOpening');
  }

  after(_core: Core, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: Effect): void {
    switch (effect.kind) {
      case 'reply':
        for (const reply of effect.replies) this.#reply(reply);
        break;
      case 'refuseReads':
        for (const { error } of effect.reads) this.#refused(error.code);
        break;
      case 'serve':
        if (effect.reads.some(({ overlay }) => overlay?.some((record) => record !== undefined)))
          this.#meet('servedFromOverlay');
        break;
      case 'send':
        if (effect.message.kind === 'readIndex') this.#meet('readAskedOfPrimary');
        break;
      default:
    }
  }

  #reply(reply: Reply): void {
    if (reply.kind === 'receipt' && reply.receipt.repeated) this.#meet('repeatAnswered');
    if (reply.kind === 'error') this.#refused(reply.error.code);
  }

  #refused(code: string): void {
    const mark = OF_CODES[code];
    if (mark !== undefined) this.#meet(mark);
  }
}
