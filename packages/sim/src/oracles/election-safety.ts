import type { Effect } from '@holdfast/core';
import type { NodeId, Term } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** A term has at most one primary, and it is one run of one node. */
export class ElectionSafety {
  readonly #primaries = new Map<Term, Boot>();

  /** Terms that had a primary. */
  get terms(): number {
    return this.#primaries.size;
  }

  /** Who was the primary of a term. */
  primaryOf(term: Term): NodeId | undefined {
    return this.#primaries.get(term)?.node;
  }

  onEffect(boot: Boot, effect: Effect): void {
    if (effect.kind === 'notice') {
      const { notice } = effect;
      if (notice.kind === 'role' && notice.role === 'primary') this.#isPrimary(boot, notice.term);
    } else if (effect.kind === 'send') {
      const { message } = effect;
      if (message.kind === 'append' || message.kind === 'heartbeat') this.#isPrimary(boot, message.term);
    }
  }

  #isPrimary(boot: Boot, term: Term): void {
    const known = this.#primaries.get(term);
    if (known === undefined) this.#primaries.set(term, boot);
    else if (known.node !== boot.node || known.number !== boot.number)
      throw new SafetyViolation(
        'election safety',
        `term ${term} has two primaries: ${known.node} (run ${known.number}) and ${boot.node} (run ${boot.number})`,
      );
  }
}
