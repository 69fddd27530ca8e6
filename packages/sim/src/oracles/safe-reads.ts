import type { Effect, Input } from '@holdfast/core';
import type { NodeId, Position } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import type { DurablePromises } from './durable-promises.ts';
import { SafetyViolation } from './safety-violation.ts';

const NAME = 'safe reads';

/**
 * A linearizable read shows nothing that could still be lost (G9): it comes from the store alone, and all that is in the
 * store is durable on a majority at that moment.
 */
export class SafeReads {
  readonly #promises: Pick<DurablePromises, 'isSafe'>;
  /** Of the newest run of each node: linearizable reads without an answer. */
  readonly #asked = new Map<NodeId, Set<number>>();

  constructor(promises: Pick<DurablePromises, 'isSafe'>) {
    this.#promises = promises;
  }

  onRecovered({ node }: Boot): void {
    this.#asked.set(node, new Set());
  }

  /** `applied`: as the step has left it. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], applied: Position): void {
    const asked = this.#asked.get(node)!;
    if (input.kind === 'read')
      for (const { id, consistency } of input.reads) if (consistency === 'linearizable') asked.add(id);
    if (input.kind === 'cancelRead') asked.delete(input.id);
    for (const effect of effects) {
      if (effect.kind === 'refuseReads') for (const { id } of effect.reads) asked.delete(id);
      if (effect.kind !== 'serve') continue;
      for (const { id, overlay } of effect.reads) {
        if (!asked.delete(id)) continue;
        if (overlay !== undefined)
          throw new SafetyViolation(NAME, `${node} serves a linearizable read what is not applied yet`);
        if (!this.#promises.isSafe(applied))
          throw new SafetyViolation(
            NAME,
            `${node} serves a linearizable read from ${applied.index}@${applied.term}, which no majority has durable`,
          );
      }
    }
  }
}
