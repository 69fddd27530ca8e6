import type { NodeId } from '@holdfast/types';
import { type BreakerCause, type BreakerState, NodeBreaker } from './node-breaker.ts';
import type { BreakerLimits } from './resilience-limits.ts';

/** A breaker is in another state than before. */
export interface BreakerChange {
  readonly node: NodeId;
  readonly state: BreakerState;
  /** Absent when closed. */
  readonly cause?: BreakerCause;
}

const NO_CHANGES: readonly BreakerChange[] = [];

/** One breaker for each node that was ever linked, kept while links to it come and go. */
export class Breakers {
  readonly #limits: BreakerLimits;
  readonly #random: () => number;
  readonly #byNode = new Map<NodeId, { readonly breaker: NodeBreaker; told: BreakerState }>();

  constructor(limits: BreakerLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  of(node: NodeId): NodeBreaker {
    let entry = this.#byNode.get(node);
    if (entry === undefined) {
      entry = { breaker: new NodeBreaker(this.#limits, this.#random), told: 'closed' };
      this.#byNode.set(node, entry);
    }
    return entry.breaker;
  }

  tick(now: number): void {
    for (const { breaker } of this.#byNode.values()) breaker.tick(now);
  }

  /** What has changed since the last time. */
  takeChanges(): readonly BreakerChange[] {
    let changes = NO_CHANGES;
    for (const [node, entry] of this.#byNode) {
      const { state, cause } = entry.breaker;
      if (state === entry.told) continue;
      entry.told = state;
      const change = cause === undefined ? { node, state } : { node, state, cause };
      changes = [...changes, change];
    }
    return changes;
  }
}
