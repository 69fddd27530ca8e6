import type { Effect, Input } from '@holdfast/core';
import type { NodeId, SessionId, Term } from '@holdfast/types';
import type { ClockRates } from '../cluster/clock-rates.ts';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What one primary knows of the use of sessions. */
interface Office {
  readonly term: Term;
  readonly since: number;
  readonly usedAt: Map<SessionId, number>;
}

const NAME = 'idle sessions';

/**
 * No session expires early: its primary has held office and heard nothing of it for as long as a session may be idle.
 * So a client that goes on may rely on it over every failover.
 */
export class IdleSessions {
  readonly #idleMs: number;
  readonly #offices = new Map<NodeId, Office>();

  constructor(options: { readonly sessionIdleMs: number; readonly rates: ClockRates }) {
    // By a clock that is fast, to a whole moment of it.
    this.#idleMs = (options.sessionIdleMs - 1) / options.rates.fastest;
  }

  /** `now`: of the world, in milliseconds. */
  onStep({ node }: Boot, input: Input, effects: readonly Effect[], now: number): void {
    // Before what comes of it: a session that is used in this step may not expire in it.
    if (input.kind === 'propose') this.#offices.get(node)?.usedAt.set(input.session, now);
    for (const effect of effects) {
      if (effect.kind === 'notice' && effect.notice.kind === 'role') {
        if (effect.notice.role === 'primary')
          this.#offices.set(node, { term: effect.notice.term, since: now, usedAt: new Map() });
        else this.#offices.delete(node);
      }
      if (effect.kind !== 'persist' || effect.order.record.kind !== 'entries') continue;
      const office = this.#offices.get(node);
      for (const { term, body } of effect.order.record.entries) {
        if (office?.term !== term || body.kind !== 'requests') continue;
        for (const request of body.requests)
          if (request.kind === 'closeSession' && request.reason === 'expired')
            this.#expires(node, request.session, office, now);
      }
    }
  }

  #expires(node: NodeId, session: SessionId, { since, usedAt }: Office, now: number): void {
    const idleMs = now - (usedAt.get(session) ?? since);
    if (idleMs < this.#idleMs)
      throw new SafetyViolation(
        NAME,
        `${node} lets session ${session} expire, ${idleMs.toFixed(0)} ms after it was used or the office began`,
      );
  }
}
