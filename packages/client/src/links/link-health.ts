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
  readonly #signAfterMs: number;
  #heardAt: number;
  #pingedAt: number | undefined;

  /** `random` in [0, 1): who heard of a new primary at the same moment must not ask at the same moment. */
  constructor(timing: LinkTiming, state: { readonly now: number; readonly random: number }) {
    const { now, random } = state;
    this.#timing = timing;
    this.#idlePingAfterMs = timing.idlePingAfterMs * (0.5 + random / 2);
    this.#signAfterMs = timing.signMs * (0.5 + random / 2);
    this.#heardAt = now;
  }

  /** Nothing has been said to the node for so long that it may take this client for gone. */
  isSignDue(now: number, sentAt: number): boolean {
    return now - sentAt >= this.#signAfterMs;
  }

  /** Anything that arrives is a sign of life. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** What is awaited decides how soon silence is noticed. Takes a returned 'ping' as sent. */
  check(now: number, awaited: 'answers' | 'events' | 'nothing'): HealthVerdict {
    const { pingAfterMs, watchPingAfterMs, silentAfterMs, deadAfterMs } = this.#timing;
    if (this.#pingedAt === undefined) {
      const pingAfter = { answers: pingAfterMs, events: watchPingAfterMs, nothing: this.#idlePingAfterMs };
      if (now - this.#heardAt < pingAfter[awaited]) return 'fine';
      this.#pingedAt = now;
      return 'ping';
    }
    const waitedMs = now - this.#pingedAt;
    if (waitedMs >= deadAfterMs) return 'dead';
    return waitedMs >= silentAfterMs ? 'silent' : 'fine';
  }
}
