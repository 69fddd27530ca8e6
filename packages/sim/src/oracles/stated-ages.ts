import type { Effect, Input } from '@holdfast/core';
import type { LogIndex, NodeId, Position, Term } from '@holdfast/types';
import type { ClockRates } from '../cluster/clock-rates.ts';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

interface Acknowledgement extends Position {
  /** In the world's milliseconds, as all times here. */
  readonly at: number;
}

interface ServedAge {
  readonly node: NodeId;
  readonly at: number;
  readonly ageMs: number;
  readonly applied: LogIndex;
}

const NAME = 'stated ages';

/**
 * Everything that was acknowledged before the age which an eventual read states is in the state that it shows (G11),
 * unless a failover took it back; a bound that was asked for is kept. What was acknowledged is known as it happens,
 * what survived in the end.
 */
export class StatedAges {
  readonly #rates: ClockRates;
  readonly #acknowledged: Acknowledgement[] = [];
  readonly #served: ServedAge[] = [];

  constructor(rates: ClockRates) {
    this.#rates = rates;
  }

  /** `applied`: as the step has left it; `now`: of the world. */
  onStep(
    { node }: Boot,
    step: { readonly input: Input; readonly effects: readonly Effect[] },
    applied: Position,
    now: number,
  ): void {
    const { input, effects } = step;
    const asked = input.kind === 'read' ? input.reads : [];
    for (const effect of effects) {
      if (effect.kind === 'reply')
        for (const reply of effect.replies)
          if (reply.kind === 'receipt')
            this.#acknowledged.push({ at: now, index: reply.receipt.index, term: reply.receipt.term });
      if (effect.kind !== 'serve') continue;
      // An eventual read is answered in the step that asks it, or refused.
      for (const { id, stalenessMs } of effect.reads) {
        const read = asked.find((one) => one.id === id);
        if (read?.consistency !== 'eventual') continue;
        const { maxStalenessMs: bound } = read;
        if (bound !== undefined && (stalenessMs < 0 || stalenessMs > bound))
          throw new SafetyViolation(
            NAME,
            `${node} serves what is ${stalenessMs} ms old; ${bound} was the most`,
          );
        if (stalenessMs >= 0)
          this.#served.push({ node, at: now, ageMs: stalenessMs, applied: applied.index });
      }
    }
  }

  /** In the end. `termAt`: of the log that won. Answers how many reads were judged. */
  check(termAt: (index: LogIndex) => Term | undefined): number {
    const survived = this.#acknowledged.filter(({ index, term }) => termAt(index) === term);
    let newest = 0;
    const newestBy = survived.map(({ index }) => {
      newest = Math.max(newest, index);
      return newest;
    });
    for (const { node, at, ageMs, applied } of this.#served) {
      // The clock of the node may be slow; and what happened at that very moment is neither before nor after it.
      const since = at - (ageMs + 1) / this.#rates.slowest;
      const count = countBefore(survived, since);
      const due = newestBy[count - 1] ?? 0;
      if (due > applied)
        throw new SafetyViolation(
          NAME,
          `${node} said at ${at.toFixed(0)} that its state up to ${applied} was ${ageMs.toFixed(1)} ms old; ` +
            `${due} had been acknowledged before`,
        );
    }
    return this.#served.length;
  }
}

/** They are in the order in which they were given. */
function countBefore(acknowledged: readonly Acknowledgement[], since: number): number {
  let low = 0;
  let high = acknowledged.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (acknowledged[middle]!.at < since) low = middle + 1;
    else high = middle;
  }
  return low;
}
