import type { Effect, Input } from '@holdfast/core';
import type { NodeId } from '@holdfast/types';
import type { ClockRates } from '../cluster/clock-rates.ts';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/**
 * Who is ordered to stand does so while it hears the primary that orders it, or not at all: after an election timeout of
 * silence the primary has given the order up, and a late candidate would end the office of one that goes on.
 */
export class LateOrders {
  readonly #limitMs: number;
  /** By node: when its primary last spoke, as far as this run of it has heard. */
  readonly #heardAt = new Map<NodeId, number>();

  constructor(options: { readonly electionTimeoutMs: number; readonly rates: ClockRates }) {
    // A step is at a whole moment of its own clock.
    this.#limitMs = (options.electionTimeoutMs + 1) / options.rates.slowest;
  }

  onRecovered({ node }: Boot): void {
    this.#heardAt.delete(node);
  }

  /** `now`: of the world, in milliseconds. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], now: number): void {
    if (input.kind !== 'message') return;
    const { kind } = input.message;
    if (kind === 'heartbeat' || kind === 'append') this.#heardAt.set(node, now);
    if (kind !== 'stand') return;
    const isObeyed = effects.some((effect) => effect.kind === 'notice' && effect.notice.kind === 'election');
    const silenceMs = now - (this.#heardAt.get(node) ?? now);
    if (isObeyed && silenceMs > this.#limitMs)
      throw new SafetyViolation(
        'late orders',
        `${node} obeys an order to stand and has not heard its primary for ${silenceMs.toFixed(0)} ms`,
      );
  }
}
