import type { Input } from '@holdfast/core';
import type { NodeId } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/**
 * A node whose log failed to sync says nothing more of what is durable (P10): the system takes the pages for clean,
 * and the next sync that succeeds covers nothing of them.
 */
export class FailedSyncs {
  /** The run of a node in which its log failed to sync. */
  readonly #failed = new Map<NodeId, number>();

  failed({ node, number }: Boot): void {
    this.#failed.set(node, number);
  }

  onStep({ node, number }: Boot, input: Input): void {
    if (input.kind !== 'persisted' || this.#failed.get(node) !== number) return;
    throw new SafetyViolation(
      'failed syncs',
      `${node} calls ticket ${input.ticket} durable after a sync failed`,
    );
  }
}
