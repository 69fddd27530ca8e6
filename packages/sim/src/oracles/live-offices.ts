import type { Effect } from '@holdfast/core';
import type { NodeId, Term } from '@holdfast/types';
import type { ClockRates } from '../cluster/clock-rates.ts';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

export interface LiveOfficesOptions {
  readonly electionTimeoutMs: number;
  readonly rates: ClockRates;
}

/**
 * Whoever acknowledges has heard a majority within an election timeout (G4, P13). So it may not when another has been
 * primary of a later term for longer: some voter of it was loyal to the former before it voted.
 */
export class LiveOffices {
  readonly #limitMs: number;
  readonly #terms = new Map<NodeId, Term>();
  #newest: { readonly term: Term; readonly node: NodeId; readonly since: number } | undefined;

  constructor({ electionTimeoutMs, rates }: LiveOfficesOptions) {
    // A step is at a whole moment of its own clock.
    this.#limitMs = (electionTimeoutMs + 1) / rates.slowest;
  }

  /** `now`: of the world, in milliseconds. */
  onEffect({ node }: Boot, effect: Effect, now: number): void {
    if (effect.kind === 'notice' && effect.notice.kind === 'role' && effect.notice.role === 'primary') {
      const { term } = effect.notice;
      this.#terms.set(node, term);
      if (term > (this.#newest?.term ?? 0)) this.#newest = { term, node, since: now };
    }
    if (effect.kind !== 'reply' || !effect.replies.some(({ kind }) => kind === 'receipt')) return;
    const own = this.#terms.get(node);
    const newest = this.#newest;
    if (own === undefined || newest === undefined || own >= newest.term) return;
    if (now - newest.since <= this.#limitMs) return;
    throw new SafetyViolation(
      'live offices',
      `${node}, primary of term ${own}, acknowledges ${(now - newest.since).toFixed(0)} ms after ${newest.node} became that of term ${newest.term}`,
    );
  }
}
