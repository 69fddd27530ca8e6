import type { LinkTiming } from './link-timing.ts';

/** What to do about a link now. */
export type HealthVerdict = 'fine' | 'ping' | 'silent' | 'dead';

/**
 * Tells a node that has nothing to say from one that is gone without closing its connection: whoever was silent
 * for a while is asked, and has to answer.
 */
export class LinkHealth {
  readonly #timing: LinkTiming;
  readonly #idlePingAfterMs: number;
  #heardAt: number;
  #pingedAt: number | undefined;

  /** `random` in [0, 1): who heard of a new primary at the same moment must not ask at the same moment. */
  constructor(timing: LinkTiming, state: { readonly now: number; readonly random: number }) {
    const { now, random } = state;
    this.#timing = timing;
    this.#idlePingAfterMs = timing.idlePingAfterMs * (0.5 + random / 2);
    this.#heardAt = now;
  }

  /** Anything that arrives is a sign of life. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** `busy`: answers are awaited, so that silence is noticed sooner. Takes a returned 'ping' as sent. */
  check(now: number, busy: boolean): HealthVerdict {
    const { pingAfterMs, silentAfterMs, deadAfterMs } = this.#timing;
    if (this.#pingedAt === undefined) {
      if (now - this.#heardAt < (busy ? pingAfterMs : this.#idlePingAfterMs)) return 'fine';
      this.#pingedAt = now;
      return 'ping';
    }
    const waitedMs = now - this.#pingedAt;
    if (waitedMs >= deadAfterMs) return 'dead';
    return waitedMs >= silentAfterMs ? 'silent' : 'fine';
  }
}
