/** How long the holder of something that expires may think so: its time to live, less this part of it. */
const MARGIN = 0.1;
/** Renewed so often within its time to live. */
const RENEWALS = 3;
/** Pauses between renewals that failed: so many fit into its time to live. */
const TRIES = 10;
/** Handed out with at least this part of its time to live ahead. */
const FRESH = 0.5;

export type HoldStep =
  /** Nothing is to be done for so long. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** Ask for another time to live; an answer is of use within `ms`. */
  | { readonly kind: 'renew'; readonly ms: number }
  | { readonly kind: 'lost' };

/**
 * What the holder of something that expires may believe, from the times of its own clock alone. Whoever carried a request
 * out did so after it was sent: what lives for a time to live from then on lives as long from the sending on. So the time
 * counts from before the request was sent, and ends a margin early: clocks run at different speeds, though not by a tenth.
 */
export class Hold {
  readonly #ttlMs: number;
  readonly #validMs: number;
  #validUntil: number;
  #renewAt: number;

  /** `sentAt`: before the request that was granted was sent. */
  constructor(ttlMs: number, sentAt: number) {
    this.#ttlMs = ttlMs;
    this.#validMs = ttlMs * (1 - MARGIN);
    this.#validUntil = sentAt + this.#validMs;
    this.#renewAt = sentAt + ttlMs / RENEWALS;
  }

  /** From then on others may hold it, for all its holder can tell. */
  get validUntil(): number {
    return this.#validUntil;
  }

  isValid(now: number): boolean {
    return now < this.#validUntil;
  }

  /** Enough of its time is left to begin something. */
  isFresh(now: number): boolean {
    return this.#validUntil - now >= this.#validMs * FRESH;
  }

  next(now: number): HoldStep {
    if (!this.isValid(now)) return { kind: 'lost' };
    if (now < this.#renewAt) return { kind: 'wait', ms: Math.min(this.#renewAt, this.#validUntil) - now };
    return { kind: 'renew', ms: this.#validUntil - now };
  }

  /** It was granted anew by a request sent after that. Answers may come in any order, but none comes back to life. */
  onRenewed(sentAt: number, now: number): void {
    if (!this.isValid(now)) return;
    this.#validUntil = Math.max(this.#validUntil, sentAt + this.#validMs);
    this.#renewAt = Math.max(this.#renewAt, sentAt + this.#ttlMs / RENEWALS);
  }

  /** Whether it was granted is not known. */
  onFailed(now: number): void {
    this.#renewAt = now + this.#ttlMs / TRIES;
  }
}
